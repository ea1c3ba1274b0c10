import { describe, expect, test } from 'vitest'
import type { BackfillRun } from '../../../../src/model/progress/backfill-run.ts'
import { at, key, seesBelow, upsert } from '../../../pending/rows.ts'
import { everything, scripted } from '../scripted.ts'

const run: BackfillRun = {
  id: 7,
  state: 'running',
  reason: 'first run',
  codes: null,
  keys: null,
  position: null,
  rowsRead: 0,
  rowsEstimated: 3,
  startedAt: null,
  finishedAt: null,
}
const automatic = everything.filter((kind) => kind !== 'find backfill')

/** Creates a core that has been given this run, over a table with this number of rows. */
function backfill(rows: number, changes: Partial<BackfillRun> = {}, kinds = automatic) {
  const script = scripted({ automatic: kinds })
  for (let n = 0; n < rows; n++) script.table.set(key(`r${n}`), { content: upsert(`c${n}`), bytes: 1_000 })
  script.tell({ kind: 'backfill found', ticket: script.next('find backfill').ticket, run: { ...run, ...changes } })
  return script
}

describe('the store is queried for a backfill run', () => {
  test('every two seconds, only by the writer', () => {
    const script = scripted({ automatic, isActive: false })
    expect(script.count('find backfill')).toBe(0)
    script.tell({ kind: 'stream active', othersLeaseMs: 0 })
    script.answer('find backfill')
    script.pass(1_999)
    expect(script.asked('find backfill')).toEqual([])
    script.pass(1)
    expect(script.asked('find backfill')).toHaveLength(1)
  })

  test('again after two seconds if the query fails', () => {
    const script = scripted({ automatic })
    script.fail('find backfill')
    script.pass(1_999)
    expect(script.asked('find backfill')).toEqual([])
    script.pass(1)
    expect(script.asked('find backfill')).toHaveLength(1)
  })

  test('immediately once a run is done', () => {
    const script = backfill(3)
    script.pass(1_000)
    expect(script.asked('find backfill')).toHaveLength(1)
  })
})

describe('a backfill run', () => {
  test('is read, sent, stored as done, and reported', () => {
    const script = backfill(3)
    script.pass(1_000)
    const stored = script.log.flatMap((effect) => (effect.kind === 'record' ? [effect.settlement.backfill] : []))
    expect(stored.filter((progress) => progress !== null).at(-1)).toMatchObject({ id: 7, rowsRead: 3, done: true })
    expect([...script.store.values()].filter(({ row }) => row.fingerprint !== null)).toHaveLength(3)
    expect(script.facts.filter(({ kind }) => kind.startsWith('backfill'))).toEqual([
      { kind: 'backfill started', run, isResumed: false },
      { kind: 'backfill done', run, rowsRead: 3 },
    ])
  })

  test('shows its settled rows, and its mark grows', () => {
    const script = backfill(
      3,
      {},
      automatic.filter((kind) => kind !== 'send'),
    )
    expect(script.view.backfill).toMatchObject({ id: 7, rowsRead: 0 })
    const { backfillMark } = script.view
    expect(backfillMark).toBeGreaterThan(0)
    script.answer('send')
    script.pass(1_000)
    expect(script.view).toMatchObject({ backfill: null })
  })

  test('is sent in full batches while a page is being read, and the rest at its end', () => {
    const script = backfill(
      40,
      {},
      automatic.filter((kind) => kind !== 'read rows'),
    )
    const asked = script.next('read rows')
    const rows = new Map([...script.table].slice(0, 20))
    const read = { snapshot: seesBelow(9_999), endLsn: at(1_001), containsLsn: null }
    const page = { leftOut: [], last: [...rows.keys()].at(-1) ?? null, isLast: false }
    const found = { ...read, rows, page, readAtMs: 0, valueBytes: 1, tookMs: 1 }
    script.tell({ kind: 'rows read', ticket: asked.ticket, read: found })
    expect([script.view.waiting.backfill, script.count('want permit')]).toEqual([20, 0])
    script.answer('read rows')
    expect(script.view.waiting.backfill).toBe(0)
  })

  test('over an empty table reports that', () => {
    const script = backfill(0, { reason: 'asked for' })
    expect(script.facts).toContainEqual({ kind: 'table empty', isPutOff: false })
  })
})
