import { type Pass, type PassState, secondsLeft } from '../model/progress/pass.ts'
import type { Status } from '../model/status/status.ts'

/** State of a backfill run as the status shows it. A run that is only requested counts as running: it starts by itself. */
const shownState: Readonly<Record<PassState, Status['backfill']['state']>> = {
  requested: 'running',
  running: 'running',
  done: 'done',
  replaced: 'none',
}

/** Returns a backfill run as the status shows it. */
export function backfillStatus(
  pass: Pick<Pass, 'state' | 'rowsRead' | 'rowsEstimated' | 'startedAt' | 'finishedAt'> | null,
  quota: { readonly batchSize: number; readonly requestsPerMinute: number },
): Status['backfill'] {
  const state = pass === null ? 'none' : shownState[pass.state]
  if (pass === null || state === 'none')
    return { state: 'none', rowsRead: 0, rowsEstimated: 0, secondsLeft: null, startedAt: null, finishedAt: null }
  const isDone = state === 'done'
  const { rowsRead } = pass
  // The planner's estimate may be too low: it is at least the number of rows read.
  const rowsEstimated = isDone ? rowsRead : Math.max(pass.rowsEstimated, rowsRead)
  return {
    state,
    rowsRead,
    rowsEstimated,
    secondsLeft: isDone ? null : secondsLeft({ rowsRead, rowsEstimated }, quota),
    startedAt: pass.startedAt?.toISOString() ?? null,
    finishedAt: pass.finishedAt?.toISOString() ?? null,
  }
}
