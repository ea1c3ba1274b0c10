import { describe, expect, test } from 'vitest'
import type { Lsn } from '../../../../src/model/source/lsn.ts'
import type { RowKey } from '../../../../src/model/source/row.ts'
import type { Effect } from '../../../../src/pipeline/core/effects.ts'
import { OwedRows } from '../../../../src/pipeline/core/table/owed-rows.ts'
import { Tickets } from '../../../../src/pipeline/core/tickets.ts'
import { at, delivered, key, patient, upsert } from '../../../pending/rows.ts'
import { everything, scripted } from '../scripted.ts'

/** Creates the part alone. The test answers its lists and merges its reads. */
function owedRows() {
  const set = {
    nowMs: 1_000_000,
    hasRoom: true,
    isSendingHeld: false,
    open: null as Lsn | null,
    stored: 0,
    memory: new Set<RowKey>(),
  }
  const part = new OwedRows({
    pending: {
      isInMemory: (of) => set.memory.has(of),
      get isSendingHeld() {
        return set.isSendingHeld
      },
    },
    context: { tickets: new Tickets(), random: () => 0 },
    reasons: ['content'],
    room: {
      get isFree() {
        return set.hasRoom
      },
      rows: 1_000,
    },
    receiving: {
      get openCommitLsn() {
        return set.open
      },
    },
    recording: { isStored: (write) => write <= set.stored },
  })
  part.activate(true)
  /** Returns the list that is requested now, or null. */
  const list = () => {
    const effects: Effect[] = []
    part.effects(set.nowMs, effects)
    const [effect] = effects
    return effect?.kind === 'list owed rows' ? effect : null
  }
  const listed = (keys: readonly RowKey[], nextInMs: number | null = null) => {
    const asked = list()
    if (!asked) throw new Error('no list is asked for')
    part.listed(asked.ticket, keys, nextInMs, set.nowMs)
  }
  return { part, set, list, listed }
}
const keys = (count: number, from = 0) => Array.from({ length: count }, (_, n) => key(`r${from + n}`))

describe('owed rows', () => {
  test('are listed, and read 200 at a time', () => {
    const { part, set, listed } = owedRows()
    listed(keys(450))
    const read = () => part.nextRead(set.nowMs, 200)
    const jobs = [read(), read(), read()]
    expect(jobs.map((job) => job?.rows)).toEqual([
      { kind: 'keys', keys: keys(200) },
      { kind: 'keys', keys: keys(200, 200) },
      { kind: 'keys', keys: keys(50, 400) },
    ])
    expect(part.nextRead(set.nowMs, 200)).toBeNull()
  })

  test('are not listed again while they are read or in memory, and room is requested for others in addition', () => {
    const { part, set, list, listed } = owedRows()
    listed(keys(1_000))
    for (let read = 0; read < 4; read++) part.nextRead(set.nowMs, 200)?.merged(0, set.nowMs)
    const last = part.nextRead(set.nowMs, 200)
    set.memory = new Set(keys(300, 500))
    // The rows of the last read are still owed in the store, and not in memory yet.
    const asked = list()
    expect(asked?.limit).toBe(300 + 200 + 1_000)
    if (asked) part.listed(asked.ticket, keys(600, 500), null, set.nowMs)
    expect(part.nextRead(set.nowMs, 200)?.rows).toEqual({ kind: 'keys', keys: keys(100, 1_000) })
    last?.merged(0, set.nowMs)
  })

  test('are listed again after a delay if a read could not see them yet', () => {
    const { part, set, list, listed } = owedRows()
    listed(keys(2))
    part.nextRead(set.nowMs, 200)?.merged(1, set.nowMs)
    expect([list(), part.nextAtMs(set.nowMs)]).toEqual([null, set.nowMs + 250])
    set.nowMs += 250
    expect(list()).not.toBeNull()
  })

  test('are listed only by the writer, outside of the hold, and while there is room', () => {
    const { part, set, list } = owedRows()
    part.activate(false)
    expect([list(), part.nextAtMs(set.nowMs)]).toEqual([null, null])
    part.activate(true)
    set.isSendingHeld = true
    expect(list()).toBeNull()
    set.isSendingHeld = false
    set.hasRoom = false
    expect(list()).toBeNull()
    set.hasRoom = true
    expect(list()).not.toBeNull()
  })

  test('are listed every minute, or when the next one is due', () => {
    const { part, set, listed } = owedRows()
    listed([])
    expect(part.nextAtMs(set.nowMs)).toBe(set.nowMs + 60_000)
    set.nowMs += 60_000
    listed([], 5_000)
    expect(part.nextAtMs(set.nowMs)).toBe(set.nowMs + 5_000)
  })

  test('are listed again after a failure, with back-off', () => {
    const { part, set, list } = owedRows()
    const asked = list()
    if (asked) part.failed(asked.ticket, set.nowMs)
    expect([list(), part.nextAtMs(set.nowMs)]).toEqual([null, set.nowMs + 50])
    set.nowMs += 50
    expect(list()).not.toBeNull()
  })
})

describe('rows that have just become owed', () => {
  test('are listed once the write that notes them is stored, not before', () => {
    const { part, set, list, listed } = owedRows()
    listed([])
    part.owed(set.nowMs, 1)
    expect([list(), part.isIdle(set.nowMs)]).toEqual([null, false])
    set.stored = 1
    expect(list()).not.toBeNull()
  })

  test('are listed once more if they were stored while a list was being read', () => {
    const { part, set, list } = owedRows()
    const asked = list()
    part.owed(set.nowMs, 1)
    set.stored = 1
    if (asked) part.listed(asked.ticket, [], null, set.nowMs)
    expect(list()).not.toBeNull()
  })

  test('are listed when they are due', () => {
    const { part, set, list, listed } = owedRows()
    listed([])
    part.owed(set.nowMs + 5_000, 1)
    set.stored = 1
    expect([list(), part.nextAtMs(set.nowMs), part.isIdle(set.nowMs)]).toEqual([null, set.nowMs + 5_000, true])
    set.nowMs += 5_000
    expect(list()).not.toBeNull()
  })

  test('because of a transaction that is still arriving are left out, and listed after its end', () => {
    const { part, set, list, listed } = owedRows()
    listed([])
    set.open = at(500)
    part.owed(set.nowMs, 1)
    set.stored = 1
    expect(list()?.beforeLsn).toBe(at(500))
    const again = owedRows()
    again.listed([])
    again.set.open = at(500)
    again.part.owed(again.set.nowMs, 1)
    again.set.stored = 1
    again.listed([])
    expect(again.list()).toBeNull()
    again.set.open = null
    expect(again.list()?.beforeLsn).toBeNull()
  })

  test('because of a finished transaction are listed once, not once for each later transaction', () => {
    const { part, set, list, listed } = owedRows()
    set.open = at(500)
    part.owed(set.nowMs, 1)
    set.stored = 1
    set.open = at(600)
    listed([])
    set.open = at(700)
    expect(list()).toBeNull()
  })
})

test('reads and sends an owed row, which is not owed afterwards', () => {
  const owed = { reason: 'content', nextCode: null, delayMs: 0 } as const
  const state = [delivered('a', patient('a', 'Old'), { fingerprint: null, owed })]
  const script = scripted({ state, automatic: everything, isActive: false })
  script.table.set(key('a'), { content: upsert('a', 'New'), bytes: 1_000 })
  script.tell({ kind: 'stream active', othersLeaseMs: 0 })
  script.pass(2_000)
  expect(script.store.get(key('a'))?.row).toMatchObject({ fingerprint: expect.stringContaining('New'), owed: null })
  expect([script.count('read rows'), script.count('send'), script.view.isQuiet]).toEqual([1, 1, true])
})

test('unsubscribes the owed code of a row that is gone', () => {
  const owed = { reason: 'end', nextCode: null, delayMs: 0 } as const
  const state = [delivered('a', patient('a'), { fingerprint: null, owed })]
  const script = scripted({ state, automatic: everything.filter((kind) => kind !== 'fetch code') })
  // The stream has passed the read, and shows no other row that has the code.
  script.keepalive()
  expect(script.next('fetch code').code).toBe('a')
  const record = { code: patient('a').code, first_name: 'FromApi' }
  const { ticket } = script.next('fetch code')
  script.tell({ kind: 'code fetched', ticket, found: { kind: 'patient', isAsExpected: false, record } })
  script.pass(3_000)
  expect(script.log.flatMap((effect) => (effect.kind === 'send' ? effect.batch : []))).toMatchObject([
    { code: 'a', purpose: 'remove', patient: record },
  ])
  expect(script.store.get(key('a'))?.row).toMatchObject({ removed: true, owed: null })
})
