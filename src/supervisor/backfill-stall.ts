import { type Sample, sampleEveryMs } from '../model/status/sample.ts'

/** Time without progress after which a backfill run counts as stalled, milliseconds: the same as that of the alert. */
const stalledAfterMs = 900_000

/** Progress of a backfill run, now and in the last hour. */
export interface BackfillProgress {
  /** Grows while the run makes progress. */
  readonly mark: number
  readonly samples: readonly Sample[]
  /** Current time on the clock of the samples. */
  readonly monotonicMs: number
}

/** Returns true if the mark has not changed for too long. Pure. */
export function hasStalled({ mark, samples, monotonicMs }: BackfillProgress): boolean {
  const before = samples.findLastIndex(({ atMs }) => atMs <= monotonicMs - stalledAfterMs)
  const since = before < 0 ? [] : samples.slice(before)
  // A suspended machine takes no samples.
  const isWatched = since.length > stalledAfterMs / sampleEveryMs / 2
  return isWatched && since.every((sample) => sample.backfillMark === mark)
}
