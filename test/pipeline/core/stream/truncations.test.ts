import { describe, expect, test } from 'vitest'
import type { BackfillRun } from '../../../../src/model/progress/backfill-run.ts'
import { xid } from '../../../../src/model/source/visibility.ts'
import { wholeRun } from '../../../backfill/whole-run.ts'
import { at, delivered, key, patient, seesBelow, upsert } from '../../../pending/rows.ts'
import { everything, type Script, type ScriptOptions, scripted } from '../scripted.ts'

const run: BackfillRun = { ...wholeRun, id: 7, reason: 'truncated' }
const requests = ({ log }: Script) =>
  log.flatMap((effect) => (effect.kind === 'record' ? [effect.settlement.backfillRequest] : []))
const untilFound = everything.filter((kind) => kind !== 'find backfill')

/** Creates a core whose store knows one delivered row, which the table has too. */
function scene(options: ScriptOptions = {}) {
  const script = scripted({ automatic: everything, state: [delivered('old', patient('x'))], ...options })
  script.table.set(key('old'), { content: upsert('x'), bytes: 1_000 })
  return script
}

describe('a TRUNCATE of the table', () => {
  test('requests a backfill in the write that lets the checkpoint pass it, once', () => {
    const script = scene()
    script.truncates()
    script.pass(60_000)
    const passing = script.log.find((effect) => effect.kind === 'record' && effect.settlement.checkpointLsn > at(1_100))
    expect(passing).toMatchObject({ settlement: { backfillRequest: 'truncated' } })
    expect(requests(script).filter((reason) => reason !== null)).toEqual(['truncated'])
    expect(script.facts).toContainEqual({ kind: 'truncated', isIgnored: false })
  })

  test('requests it again if the write fails, and another one for another TRUNCATE during the write', () => {
    const script = scene({ automatic: everything.filter((kind) => kind !== 'record') })
    script.truncates()
    script.pass(2_000)
    script.truncates()
    script.fail('record')
    script.pass(60_000)
    script.truncates()
    script.answer('record')
    script.pass(2_000)
    script.answer('record')
    script.pass(60_000)
    expect(requests(script)).toEqual(['truncated', 'truncated', 'truncated'])
  })

  test('requests none under onTruncate: ignore', () => {
    const script = scene({ onTruncate: 'ignore' })
    script.truncates()
    script.pass(60_000)
    expect(requests(script).filter((reason) => reason !== null)).toEqual([])
    expect(script.facts).toContainEqual({ kind: 'truncated', isIgnored: true })
  })

  test.each([
    ['on a primary, by its snapshot', { snapshot: seesBelow(1_100), containsLsn: null }, true],
    ['on a standby, by its position', { snapshot: seesBelow(9_999), containsLsn: at(1_100) }, true],
    ['which saw it', { snapshot: seesBelow(1_101), containsLsn: null }, false],
  ])('makes a read from before it out of date, %s', (_, taken, isRepeated) => {
    const script = scripted({ automatic: everything.filter((kind) => kind !== 'read rows'), nearXid: xid(1_000n) })
    script.commits(['old', { kind: 'incomplete', code: null }])
    const { ticket } = script.next('read rows')
    const found = new Map([[key('old'), { content: upsert('x', 'Old'), bytes: 1_000 }]])
    // The transaction of the TRUNCATE is number 1,200 and the change before it 1,100.
    script.truncates()
    const times = { readAtMs: 0, valueBytes: 1, tookMs: 1 }
    const seen = isRepeated ? taken : { snapshot: seesBelow(1_201), containsLsn: null }
    script.tell({ kind: 'rows read', ticket, read: { ...seen, endLsn: at(1_150), rows: found, page: null, ...times } })
    expect(script.count('send')).toBe(isRepeated ? 0 : 1)
    script.pass(1_000)
    expect(script.asked('read rows')).toHaveLength(isRepeated ? 1 : 0)
  })

  test('makes a page of a backfill out of date, though it commits while the records of the rows are loaded', () => {
    const byHand = ['find backfill', 'load records']
    const script = scene({ automatic: everything.filter((kind) => !byHand.includes(kind)), nearXid: xid(1_000n) })
    script.table.set(key('old'), { content: upsert('x', 'Old'), bytes: 1_000 })
    script.tell({ kind: 'backfill found', ticket: script.next('find backfill').ticket, run: wholeRun })
    expect(script.count('read rows')).toBe(1)
    script.truncates()
    script.answer('load records')
    expect(script.count('send')).toBe(0)
    script.pass(1_000)
    expect(script.count('read rows')).toBe(2)
  })

  test('makes a read out of date from its message on: the rest of its transaction may still follow', () => {
    const script = scene({
      automatic: everything.filter((kind) => kind !== 'find backfill' && kind !== 'read rows'),
      nearXid: xid(1_000n),
    })
    script.tell({ kind: 'backfill found', ticket: script.next('find backfill').ticket, run: wholeRun })
    script.tell({ kind: 'wal', wal: { kind: 'begin', commitLsn: at(1_100), xid: 1_100, committedAtMs: 0 } })
    script.tell({ kind: 'wal', wal: { kind: 'truncate' } })
    script.answer('read rows')
    script.tell({ kind: 'wal', wal: { kind: 'commit', commitEndLsn: at(1_101) } })
    expect(script.count('send')).toBe(0)
    script.pass(1_000)
    expect(script.count('read rows')).toBe(2)
  })
})

describe('the backfill after a TRUNCATE', () => {
  test('begins once the table has been quiet', () => {
    const script = scene({ automatic: untilFound })
    script.answer('find backfill')
    script.truncates(['new', upsert('y')])
    script.pass(3_000)
    expect(script.next('find backfill').postponed).toContain('truncated')
    script.answer('find backfill')
    script.pass(1_000)
    expect(script.next('find backfill').postponed).toContain('truncated')
    script.answer('find backfill')
    script.pass(2_000)
    expect(script.next('find backfill').postponed).toEqual([])
  })

  test('leaves the known rows alone while the table is empty, and does not end', () => {
    const script = scene({ automatic: untilFound })
    script.truncates()
    script.tell({ kind: 'backfill found', ticket: script.next('find backfill').ticket, run })
    script.pass(10_000)
    expect(script.facts).toContainEqual({ kind: 'table empty', isPutOff: true })
    expect([script.count('list known rows'), script.view.backfill]).toEqual([0, null])
    expect(script.log.filter((effect) => effect.kind === 'record' && effect.settlement.backfill?.done)).toEqual([])
    expect(script.next('find backfill').postponed).toContain('truncated')
  })
})
