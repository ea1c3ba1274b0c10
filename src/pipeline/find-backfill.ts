import type { Passes } from '../checkpoint/store/passes.ts'
import type { Pass } from '../model/progress/pass.ts'
import type { TableReader } from '../source/table/table-reader.ts'

/** Returns the backfill run to continue or to start, or null if there is none. Starts a run that is only requested. */
export async function findBackfill({
  passes,
  reader,
  clocks,
}: {
  readonly passes: Pick<Passes, 'next' | 'begin'>
  readonly reader: Pick<TableReader, 'estimateRows'>
  readonly clocks: { wallClockMs(): number }
}): Promise<Pass | null> {
  const next = await passes.next()
  if (!next) return null
  const rowsEstimated = (next.codes ?? next.keys)?.length ?? (await reader.estimateRows())
  if (next.state === 'requested') await passes.begin(next.id, rowsEstimated)
  const startedAt = next.startedAt ?? new Date(clocks.wallClockMs())
  return { ...next, state: 'running', rowsEstimated, startedAt }
}
