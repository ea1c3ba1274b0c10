import { sampleEveryMs } from '../../model/status/sample.ts'
import type { PageView } from './page-view.ts'

/** Time without progress after which a backfill run counts as stalled, milliseconds: the same as that of the alert. */
const stalledAfterMs = 900_000

/** Returns true if a backfill makes no progress although nothing else is wrong that explains it. Pure. */
export function backfillStalls({
  status,
  trouble,
  backfillMark,
  samples,
  monotonicMs,
}: Pick<PageView, 'status' | 'trouble' | 'backfillMark' | 'samples' | 'monotonicMs'>): boolean {
  if (status.state !== 'backfilling' || trouble !== null) return false
  const before = samples.findLastIndex(({ atMs }) => atMs <= monotonicMs - stalledAfterMs)
  const since = before < 0 ? [] : samples.slice(before)
  // A suspended machine takes no samples.
  const isWatched = since.length > stalledAfterMs / sampleEveryMs / 2
  return isWatched && since.every((sample) => sample.backfillMark === backfillMark)
}
