import type { BackfillRun } from '../model/progress/backfill-run.ts'
import type { Board } from './status-board.ts'

/** Notes the newest backfill run. Once one has read every row after the store went back, that is over. */
export function noteLatestRun(board: Pick<Board, 'storeWentBack' | 'latestPass'>, run: BackfillRun | null): void {
  board.latestPass = run
  if (run?.reason === 'store went back' && run.state !== 'running') board.storeWentBack = false
}

/** Returns how far the rows are read again after the store went back; null if it did not, or if all of them are read. */
export function rereadProgress({
  storeWentBack,
  latestPass,
}: Pick<Board, 'storeWentBack' | 'latestPass'>): Pick<BackfillRun, 'rowsRead' | 'rowsEstimated'> | null {
  const isRereading = latestPass?.reason === 'store went back' && latestPass.state === 'running'
  if (!isRereading) return storeWentBack ? { rowsRead: 0, rowsEstimated: 0 } : null
  const { rowsRead, rowsEstimated } = latestPass
  return { rowsRead, rowsEstimated }
}
