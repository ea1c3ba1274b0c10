import { sampleEveryMs } from '../../model/status/sample.ts'
import type { PageView } from './page-view.ts'

/** A pass that has read nothing and settled nothing for so long does not get on: the alert's time, milliseconds. */
const stalledAfterMs = 900_000

/** Whether a backfill runs and has not got on, though nothing else is wrong that would keep it. Pure. */
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
  // After a machine was suspended there is nothing between.
  const isWatched = since.length > stalledAfterMs / sampleEveryMs / 2
  return isWatched && since.every((sample) => sample.backfillMark === backfillMark)
}
