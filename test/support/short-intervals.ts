import type { Intervals } from '../../src/model/intervals.ts'

/** Intervals for tests. A test that is about an interval states its own. */
export const shortIntervals: Intervals = {
  checkMs: 1_000,
  blockedMs: 500,
  statusMs: 10_000,
  applyDelaysMs: [100, 200],
  settlingMs: 3_000,
  core: {
    idleWriteMs: 200,
    findBackfillMs: 200,
    gatherMs: 100,
    reloadQuietMs: 500,
    maxReloadMs: 5_000,
    emptyTableMs: 2_000,
    forgetMs: 60_000,
  },
}
