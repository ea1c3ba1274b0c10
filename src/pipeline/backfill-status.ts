import { type Pass, secondsLeft } from '../model/progress/pass.ts'
import type { Status } from '../model/status/status.ts'

/** Returns a backfill run as the status shows it. A run that is only requested counts as running: it starts by itself. */
export function backfillStatus(
  pass: Pick<Pass, 'state' | 'rowsRead' | 'rowsEstimated' | 'startedAt' | 'finishedAt'> | null,
  quota: { readonly batchSize: number; readonly requestsPerMinute: number },
): Status['backfill'] {
  if (!pass || pass.state === 'replaced')
    return { state: 'none', rowsRead: 0, rowsEstimated: 0, secondsLeft: null, startedAt: null, finishedAt: null }
  const isDone = pass.state === 'done'
  const { rowsRead } = pass
  // The planner's estimate may be too low: it is at least the number of rows read.
  const rowsEstimated = isDone ? rowsRead : Math.max(pass.rowsEstimated, rowsRead)
  return {
    state: isDone ? 'done' : 'running',
    rowsRead,
    rowsEstimated,
    secondsLeft: isDone ? null : secondsLeft({ rowsRead, rowsEstimated }, quota),
    startedAt: pass.startedAt?.toISOString() ?? null,
    finishedAt: pass.finishedAt?.toISOString() ?? null,
  }
}
