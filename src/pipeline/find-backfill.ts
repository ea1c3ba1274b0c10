import type { BackfillRuns } from '../checkpoint/store/backfill-runs.ts'
import type { Clocks } from '../lifecycle/clocks.ts'
import type { BackfillRun, BackfillRunReason } from '../model/progress/backfill-run.ts'
import type { TableReader } from '../source/table/table-reader.ts'

/**
 * Returns the backfill run to continue or to start, or null if there is none. Starts a run that is only requested. Leaves out runs
 * over the whole table for a postponed reason.
 */
export async function findBackfill(
  {
    backfillRuns,
    reader,
    clocks,
  }: {
    readonly backfillRuns: Pick<BackfillRuns, 'next' | 'begin'>
    readonly reader: Pick<TableReader, 'estimateRows'>
    readonly clocks: Pick<Clocks, 'wallClockMs'>
  },
  postponed: readonly BackfillRunReason[],
): Promise<BackfillRun | null> {
  const next = await backfillRuns.next(postponed)
  if (!next) return null
  const rowsEstimated = (next.codes ?? next.keys)?.length ?? (await reader.estimateRows())
  if (next.state === 'requested') await backfillRuns.begin(next.id, rowsEstimated)
  const startedAt = next.startedAt ?? new Date(clocks.wallClockMs())
  return { ...next, state: 'running', rowsEstimated, startedAt }
}
