/** A sample is taken so often, milliseconds. */
export const sampleEveryMs = 10_000
/** Older ones are forgotten, milliseconds. */
export const historyMs = 3_600_000

/** What is remembered of one moment, for the page's charts. Figures alone. */
export interface Sample {
  /** Of a monotonic clock. */
  readonly atMs: number
  /** Null: not known. */
  readonly lagBytes: number | null
  readonly requestsLastMinute: number
  /** Grows while a pass over the table gets on. */
  readonly backfillMark: number
  /** From commit to acceptance, of what was delivered since the sample before; null: nothing was. */
  readonly delivery: DeliveryTimes | null
}

/** How long it took from a row's commit to the API's acceptance, seconds. */
export interface DeliveryTimes {
  /** Half of them took no longer. */
  readonly halfWithin: number
  /** Nor did 95 of 100. */
  readonly mostWithin: number
}
