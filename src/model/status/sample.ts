/** Interval between samples, milliseconds. */
export const sampleEveryMs = 10_000
/** Age at which samples are dropped, milliseconds. */
export const historyMs = 3_600_000

/** Figures of one moment, for the charts of the status page. */
export interface Sample {
  /** Time of a monotonic clock, milliseconds. */
  readonly atMs: number
  /** Null if not known. */
  readonly lagBytes: number | null
  readonly requestsLastMinute: number
  /** Counter that grows while a backfill makes progress. */
  readonly backfillMark: number
  /** Time from commit to acceptance, for deliveries since the previous sample; null if there were none. */
  readonly delivery: DeliveryTimes | null
}

/** Time from a row's commit to the API's acceptance, seconds. */
export interface DeliveryTimes {
  /** The 50th percentile. */
  readonly halfWithin: number
  /** The 95th percentile. */
  readonly mostWithin: number
}
