import { describe, expect, test } from 'vitest'
import { problemCatalog, problemKinds, severities } from '../../../src/model/problem/problem-kind.ts'
import { problemReport } from '../../../src/model/problem/problem-report.ts'
import { problemText } from '../../../src/model/problem/problem-text.ts'
import { problems, slotFacts } from './problems.ts'

describe('the catalog of problems', () => {
  test('has a code of its own for each kind', () => {
    const codes = problemKinds.map((kind) => problemCatalog[kind].code)
    expect(new Set(codes).size).toBe(codes.length)
    expect(codes.filter((code) => !/^MQ[12349]\d{3}$/.test(code))).toEqual([])
  })

  test('lists critical kinds before warnings', () => {
    const ranks = problemKinds.map((kind) => severities.indexOf(problemCatalog[kind].severity))
    expect(ranks).toEqual(ranks.toSorted((a, b) => b - a))
  })

  test('names the effect of each critical problem', () => {
    const entries = Object.values(problemCatalog).filter(({ severity }) => severity === 'critical')
    expect(entries.filter(({ effect }) => effect === null)).toEqual([])
  })
})

describe('the text of a problem', () => {
  test.each(problemKinds)('%s: has a title and a fix', (kind) => {
    const { title, fix } = problemText(problems[kind])
    expect(title).toMatch(/^[A-Zm\d]/)
    expect(fix).toMatch(/\.$/)
  })

  test('contains the figures', () => {
    expect(problemText(problems['dead letters']).title).toBe('1,234 rows rejected')
    expect(problemText(problems.standstill).detail).toContain('75 s')
    expect(problemText(problems.drift).detail).toContain('1.2 %')
    expect(problemText(problems['shared codes']).detail).toContain('2 codes')
    expect(problemText(problems['backfill stalled']).detail).toContain('1,200 rows of about 60,000 rows')
    expect(problemText(problems['falls behind']).detail).toContain('20 min')
    expect(problemText(problems['orphaned slot'])).toMatchObject({
      detail: 'the replication slot mediquo_cdc_old is used by nobody and retains 5.0 MB of WAL',
      commands: [`SELECT pg_drop_replication_slot('mediquo_cdc_old');`],
    })
  })

  test.each([
    ['fitted', 'writes work again, and the table is read again', 'mediquo-cdc check'],
    ['stopped', 'ended the publication of updates and deletes', 'mediquo-cdc check'],
    ['none', 'may not alter the publication', `ALTER PUBLICATION "mediquo_cdc" SET (publish = 'insert, truncate');`],
  ] as const)('of refused writes says what the connector has done: %s', (relief, done, command) => {
    const { facts } = problems['writes refused']
    const { fix, commands } = problemText({ kind: 'writes refused', facts: { ...facts, relief } })
    expect(fix).toContain(done)
    expect(commands).toEqual([command])
  })

  test('of a slot contains the time that is left, and the statement that helps', () => {
    const { detail, fix, commands } = problemText(problems['slot soon lost'])
    expect(detail).toBe(
      'the replication slot mediquo_cdc retains 3.0 GB of WAL and will be lost in 8 min; sending what waits takes at most 60 s',
    )
    expect(fix).toContain('(status 503), or raise the limit. Once the slot is lost, the table is read again.')
    expect(commands).toEqual([`ALTER SYSTEM SET max_slot_wal_keep_size = '8192MB';`, 'SELECT pg_reload_conf();'])
  })

  test.each([
    ['an old transaction', { lagBytes: 0 }, 'pg_stat_activity'],
    ['no limit', { safeBytes: null }, `max_slot_wal_keep_size = '…'`],
    ['a slot that is idle', { limit: 'idle' as const }, 'idle_replication_slot_timeout = 0'],
  ])('of a slot fits its cause: %s', (_, cause, command) => {
    const { commands } = problemText({ kind: 'slot will be lost', facts: { ...slotFacts, ...cause } })
    expect(commands.join(' ')).toContain(command)
  })
})

test('the report of a problem has its code, its time, and a fix that ends with the commands', () => {
  expect(problemReport({ problem: problems['dead letters'], sinceMs: Date.parse('2026-01-01T00:00:00Z') })).toEqual({
    code: 'MQ4001',
    severity: 'warning',
    title: '1,234 rows rejected',
    detail: '',
    fix: expect.stringMatching(/\. Run: mediquo-cdc dead-letters list; mediquo-cdc dead-letters retry --all$/),
    since: '2026-01-01T00:00:00.000Z',
  })
})
