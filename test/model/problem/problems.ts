import type { Problem, SlotFacts } from '../../../src/model/problem/problem.ts'
import type { ProblemKind } from '../../../src/model/problem/problem-kind.ts'

export const slotFacts: SlotFacts = {
  slot: 'mediquo_cdc',
  retainedBytes: 3 * 1024 ** 3,
  lagBytes: 2 * 1024 ** 3,
  safeBytes: 1024 ** 3,
  bytesPerSecond: 1_000,
  secondsUntilLost: 500,
  limit: 'size',
  secondsToDrain: 60,
  reason: 'status 503',
  onSlotLost: 'backfill',
}
const reason = { reason: 'the reason' }

/** A problem of each kind. */
export const problems: { readonly [Kind in ProblemKind]: Problem<Kind> } = {
  'writes refused': {
    kind: 'writes refused',
    facts: {
      operation: 'UPDATE',
      refusingTable: 'public.patients',
      publication: 'mediquo_cdc',
      reason: 'cannot update table "patients"',
      relief: 'none',
      fix: 'ALTER TABLE public.patients REPLICA IDENTITY FULL',
      stopStatement: `ALTER PUBLICATION "mediquo_cdc" SET (publish = 'insert, truncate');`,
    },
  },
  stuck: { kind: 'stuck', facts: reason },
  'slot being lost': { kind: 'slot being lost', facts: { ...slotFacts, secondsUntilLost: 0 } },
  'slot soon lost': { kind: 'slot soon lost', facts: slotFacts },
  blocked: { kind: 'blocked', facts: reason },
  'keys refused': { kind: 'keys refused', facts: reason },
  'every patient refused': { kind: 'every patient refused', facts: reason },
  'store not writable': { kind: 'store not writable', facts: reason },
  'database not readable': { kind: 'database not readable', facts: reason },
  'store went back': { kind: 'store went back', facts: { rowsRead: 1_200, rowsEstimated: 60_000 } },
  'not ready': { kind: 'not ready', facts: reason },
  'API down': { kind: 'API down', facts: reason },
  'success not proven': { kind: 'success not proven', facts: reason },
  'told to wait': { kind: 'told to wait', facts: reason },
  'unexpected success': { kind: 'unexpected success', facts: reason },
  'rate limited': { kind: 'rate limited', facts: reason },
  'reads unanswered': { kind: 'reads unanswered', facts: { reason: 'timeout' } },
  standstill: { kind: 'standstill', facts: { seconds: 75 } },
  'slot will be lost': { kind: 'slot will be lost', facts: slotFacts },
  'slot retains WAL': { kind: 'slot retains WAL', facts: { ...slotFacts, secondsUntilLost: null } },
  'child tables': { kind: 'child tables', facts: { children: ['public.archive'], parent: 'public.patients' } },
  'orphaned slot': {
    kind: 'orphaned slot',
    facts: {
      slot: 'mediquo_cdc_old',
      retainedBytes: 5 * 1024 ** 2,
      dropStatement: `SELECT pg_drop_replication_slot('mediquo_cdc_old');`,
    },
  },
  drift: { kind: 'drift', facts: { ratio: 0.012 } },
  'falls behind': { kind: 'falls behind', facts: { secondsToDrain: 1_200 } },
  'backfill stalled': { kind: 'backfill stalled', facts: { rowsRead: 1_200, rowsEstimated: 60_000 } },
  'shared codes': { kind: 'shared codes', facts: { codes: 2 } },
  'codes respelled': {
    kind: 'codes respelled',
    facts: { codes: 12, differences: ['spaces', 'letter case'], alike: 2 },
  },
  'mapping outdated': { kind: 'mapping outdated', facts: { rows: 1_234, deadLetters: 1 } },
  'dead letters': { kind: 'dead letters', facts: { rows: 1_234 } },
}
