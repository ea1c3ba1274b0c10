import { describe, expect, test } from 'vitest'
import type { Content } from '../../../../src/pending/entry/version.ts'
import type { MappedRow } from '../../../../src/pipeline/core/events.ts'
import { at, code, delivered, key, patient, position, seesBelow, upsert } from '../../../pending/rows.ts'
import { everything, type ScriptOptions, scripted } from '../scripted.ts'

const incomplete = (of: string): Content => ({ kind: 'incomplete', code: code(of) })
const automatic = everything.filter((kind) => kind !== 'read rows')
const row = (of: string, name?: string): MappedRow => ({ content: upsert(of, name), bytes: 1_000 })

/** Streams changes of these rows without their content, which the table has. */
function changed(names: readonly string[], options: ScriptOptions = {}) {
  const script = scripted({ automatic, ...options })
  for (const name of names) script.table.set(key(name), row(name))
  script.commits(...names.map((name): [string, Content] => [name, incomplete(name)]))
  return script
}

describe('rows whose content is missing in the stream', () => {
  test('are read by key after the commit, and sent', () => {
    const script = changed(['a', 'b'])
    expect(script.next('read rows').rows).toEqual({ kind: 'keys', keys: [key('a'), key('b')] })
    script.answer('read rows')
    expect(script.view).toMatchObject({ unsettled: 0, isQuiet: true })
  })

  test('are read one page at a time, and the pages grow while they are small in bytes', () => {
    const script = changed(Array.from({ length: 450 }, (_, n) => `r${n}`))
    const sizes: number[] = []
    while (script.asked('read rows').length > 0) {
      expect(script.asked('read rows')).toHaveLength(1)
      const { rows } = script.next('read rows')
      sizes.push(rows.kind === 'keys' ? rows.keys.length : 0)
      script.answer('read rows')
    }
    expect(sizes).toEqual([50, 100, 200, 100])
  })

  test('are read again, with back-off, if the read fails', () => {
    const script = changed(['a'])
    const first = script.next('read rows').rows
    script.fail('read rows')
    expect(script.asked('read rows')).toEqual([])
    script.pass(200)
    expect(script.next('read rows').rows).toEqual(first)
  })

  test('are read though memory is full of rows to be sent, if those rows wait for them', () => {
    const options = { automatic: automatic.filter((kind) => kind !== 'send'), bounds: { bytes: 50_000 } }
    const script = changed(['a'], options)
    script.table.delete(key('a'))
    script.commits(['other', upsert('other')])
    script.begin()
    script.change('heir', upsert('a'), 60_000)
    script.end()
    // The read cannot see the change yet, so that another read is needed.
    const times = { readAtMs: 0, tookMs: 1, valueBytes: 1 }
    const read = { snapshot: seesBelow(1), endLsn: at(1_050), containsLsn: null, rows: new Map(), page: null, ...times }
    script.tell({ kind: 'rows read', ticket: script.next('read rows').ticket, read })
    script.answer('send')
    script.pass(250)
    script.answer('read rows')
    script.answer('send')
    expect(script.store.get(key('heir'))?.row).toMatchObject({ code: 'a', removed: false })
  })

  test('are read again after a delay if the read could not see the change yet', () => {
    const script = changed(['a'])
    const { ticket } = script.next('read rows')
    const rows = new Map([[key('a'), row('a', 'Old')]])
    const read = { snapshot: seesBelow(1), endLsn: at(1_050), containsLsn: null, rows, page: null }
    script.tell({ kind: 'rows read', ticket, read: { ...read, readAtMs: 0, valueBytes: 1, tookMs: 1 } })
    expect([script.asked('read rows'), script.count('send')]).toEqual([[], 0])
    script.pass(250)
    expect(script.asked('read rows')).toHaveLength(1)
  })

  test('are not read during the hold', () => {
    const script = changed(['a'], { horizon: position(5_000) })
    expect(script.count('read rows')).toBe(0)
  })
})

describe('the row records of rows that a read brought', () => {
  const state = [delivered('a', patient('a', 'Old'))]
  const owed = { reason: 'content', nextCode: null, delayMs: 0 } as const
  const owing = () => {
    const script = scripted({
      state: state.map((one) => ({ ...one, fingerprint: null, owed })),
      automatic: automatic.filter((kind) => kind !== 'load records'),
    })
    script.table.set(key('a'), row('a', 'New'))
    return script
  }

  test('are loaded before the read is merged', () => {
    const script = owing()
    script.answer('read rows')
    expect([script.next('load records').keys, script.count('send')]).toEqual([[key('a')], 0])
    script.answer('load records')
    expect(script.count('send')).toBe(1)
  })

  test('that cannot be loaded make the read too old: it is repeated', () => {
    const script = owing()
    script.answer('read rows')
    script.fail('load records')
    script.pass(200)
    expect([script.asked('load records'), script.asked('read rows')]).toEqual([[], [expect.anything()]])
  })
})

describe('while transactions from before the slot are open', () => {
  test('nothing is read, and that is reported after a minute', () => {
    const script = changed(['a'], {
      isSlotGapOpen: true,
      automatic: automatic.filter((kind) => kind !== 'check slot gap'),
    })
    const told = () => script.facts.filter(({ kind }) => kind === 'reads wait for slot gap').length
    const isOpen = () =>
      script.tell({ kind: 'slot gap checked', ticket: script.next('check slot gap').ticket, isClosed: false })
    for (let ms = 0; ms < 60_000; ms += 250) {
      isOpen()
      expect(script.asked('check slot gap')).toEqual([])
      script.pass(250)
    }
    expect([told(), script.count('read rows')]).toEqual([0, 0])
    isOpen()
    expect(told()).toBe(1)
    script.pass(250)
    script.answer('check slot gap')
    expect([script.asked('check slot gap'), script.asked('read rows').length]).toEqual([[], 1])
  })
})
