import type { ApiLimits } from '../model/api-limits.ts'
import { type BackfillRun, type BackfillRunState, secondsLeft } from '../model/progress/backfill-run.ts'
import type { Status } from '../model/status/status.ts'

/** State of a backfill run as the status shows it. A run that is only requested counts as running: it starts by itself. */
const shownState: Readonly<Record<BackfillRunState, Status['backfill']['state']>> = {
  requested: 'running',
  running: 'running',
  done: 'done',
  replaced: 'none',
}

/** Returns a backfill run as the status shows it. */
export function backfillStatus(
  run: Pick<BackfillRun, 'state' | 'rowsRead' | 'rowsEstimated' | 'startedAt' | 'finishedAt'> | null,
  quota: Pick<ApiLimits, 'batchSize' | 'requestsPerMinute'>,
): Status['backfill'] {
  const state = run === null ? 'none' : shownState[run.state]
  if (run === null || state === 'none')
    return { state: 'none', rowsRead: 0, rowsEstimated: 0, secondsLeft: null, startedAt: null, finishedAt: null }
  const isDone = state === 'done'
  const { rowsRead } = run
  // The planner's estimate may be too low: it is at least the number of rows read.
  const rowsEstimated = isDone ? rowsRead : Math.max(run.rowsEstimated, rowsRead)
  return {
    state,
    rowsRead,
    rowsEstimated,
    secondsLeft: isDone ? null : secondsLeft({ rowsRead, rowsEstimated }, quota),
    startedAt: run.startedAt?.toISOString() ?? null,
    finishedAt: run.finishedAt?.toISOString() ?? null,
  }
}
