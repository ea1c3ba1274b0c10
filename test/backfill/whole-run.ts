import type { BackfillRun } from '../../src/model/progress/backfill-run.ts'

/** Backfill run over the whole table that has just begun. */
export const wholeRun: BackfillRun = {
  id: 1,
  state: 'running',
  reason: 'asked for',
  codes: null,
  keys: null,
  position: null,
  rowsRead: 0,
  rowsEstimated: 0,
  startedAt: null,
  finishedAt: null,
}
