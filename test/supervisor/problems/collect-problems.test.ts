import { describe, expect, test } from 'vitest'
import { type Problem, problemKey } from '../../../src/model/problem/problem.ts'
import { type ProblemKind, problemKinds } from '../../../src/model/problem/problem-kind.ts'
import { noLastingFailures } from '../../../src/supervisor/database-failures.ts'
import { collectProblems, type ProblemFacts } from '../../../src/supervisor/problems/collect-problems.ts'
import { problems, slotFacts } from '../../model/problem/problems.ts'

const healthy: ProblemFacts = {
  state: 'streaming',
  reason: null,
  refusedWrite: null,
  isStuck: false,
  trouble: null,
  databaseFailures: noLastingFailures,
  slot: { verdict: 'fine', facts: slotFacts },
  leftSlots: [],
  childTables: { children: [], parent: 'public.patients' },
  standstillSeconds: null,
  driftRatio: 0,
  secondsToDrain: 600,
  backfill: { hasStalled: false, rowsRead: 0, rowsEstimated: 0 },
  storeReread: null,
  sharedCodes: 0,
  failingReads: null,
  respelledCodes: null,
  outdatedRows: null,
  deadLetters: 0,
}
const trouble = (kind: NonNullable<ProblemFacts['trouble']>['kind']) => ({ trouble: { kind, reason: 'why' } })
const slot = (verdict: NonNullable<ProblemFacts['slot']>['verdict']) => ({ slot: { verdict, facts: slotFacts } })
const kindsOf = (given: Partial<ProblemFacts>) => collectProblems({ ...healthy, ...given }).map(({ kind }) => kind)
const orphan = (name: string) => ({ slot: name, retainedBytes: 1, fix: 'SELECT 1;' })

/** Facts that raise each kind, and no other. */
const causes: Readonly<Record<ProblemKind, Partial<ProblemFacts>>> = {
  'writes refused': { refusedWrite: problems['writes refused'].facts },
  stuck: { isStuck: true },
  'slot being lost': slot('being lost'),
  'slot soon lost': slot('soon lost'),
  blocked: { state: 'blocked', reason: 'the table is gone' },
  'keys refused': trouble('halted'),
  'every patient refused': trouble('rejecting'),
  'store not writable': trouble('store outage'),
  'database not readable': { databaseFailures: { writes: null, reads: 'the source denies a right' } },
  'store went back': { storeReread: problems['store went back'].facts },
  'not ready': { state: 'starting', reason: 'the server cannot be reached' },
  'API down': trouble('outage'),
  'success not proven': trouble('unproven success'),
  'told to wait': trouble('told to wait'),
  'unexpected success': trouble('unexpected success'),
  'rate limited': trouble('rate limited'),
  'reads unanswered': { failingReads: 'timeout' },
  standstill: { standstillSeconds: 75 },
  'slot will be lost': slot('will be lost'),
  'slot retains WAL': slot('holding'),
  'child tables': { childTables: problems['child tables'].facts },
  'orphaned slot': { leftSlots: [orphan('mediquo_cdc_old')] },
  drift: { driftRatio: 0.01 },
  'falls behind': { secondsToDrain: 601 },
  'backfill stalled': { state: 'backfilling', backfill: { hasStalled: true, rowsRead: 1, rowsEstimated: 2 } },
  'shared codes': { sharedCodes: 1 },
  'codes respelled': { respelledCodes: problems['codes respelled'].facts },
  'mapping outdated': { outdatedRows: problems['mapping outdated'].facts },
  'dead letters': { deadLetters: 1 },
}

describe('the problems of a moment', () => {
  test.each(problemKinds)('%s: is raised by its facts alone', (kind) => {
    expect(kindsOf(causes[kind])).toEqual([kind])
  })

  test.each(['streaming', 'backfilling', 'starting', 'stopping', 'standby'] as const)(
    '%s, without other facts: none',
    (state) => {
      expect(kindsOf({ state })).toEqual([])
    },
  )

  test('are all included, the worst first', () => {
    expect(
      kindsOf({ deadLetters: 2, ...trouble('halted'), isStuck: true, sharedCodes: 1, ...slot('soon lost') }),
    ).toEqual(['stuck', 'slot soon lost', 'keys refused', 'shared codes', 'dead letters'])
  })

  test('do not include a backlog and a stalled backfill that a trouble explains', () => {
    expect(kindsOf({ ...causes['falls behind'], ...trouble('outage') })).toEqual(['API down'])
    expect(kindsOf({ ...causes['backfill stalled'], ...trouble('outage') })).toEqual(['API down'])
  })

  test('do not include a trouble of a standby, which sends nothing', () => {
    expect(kindsOf({ state: 'standby', ...trouble('halted') })).toEqual([])
  })

  test.each<[NonNullable<ProblemFacts['trouble']>['kind'], boolean]>([
    ['outage', false],
    ['halted', false],
    ['rate limited', false],
    ['told to wait', false],
    ['rejecting', true],
    ['store outage', true],
    ['unproven success', true],
    ['unexpected success', true],
  ])('include reads that fail beside the trouble "%s": %s', (kind, isIncluded) => {
    const found = kindsOf({ ...causes['reads unanswered'], ...trouble(kind) })
    expect(found.includes('reads unanswered')).toBe(isIncluded)
  })

  test('do not include reads that failed before another instance took over', () => {
    expect(kindsOf({ ...causes['reads unanswered'], state: 'standby' })).toEqual([])
  })

  test('are told apart by their slots', () => {
    const found: readonly Problem[] = collectProblems({ ...healthy, leftSlots: [orphan('a'), orphan('b')] })
    expect(new Set(found.map(problemKey)).size).toBe(2)
  })
})
