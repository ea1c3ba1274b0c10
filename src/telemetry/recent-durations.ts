import type { DeliveryTimes } from '../model/status/sample.ts'

/** Upper bound of the shortest class. */
const minSeconds = 0.001
/** Ratio of two consecutive class bounds: a reported duration is at most this much too high. */
const growth = 1.1
/** Number of classes. They cover up to 22 days; longer durations count as that. */
const classes = 225

/** Histogram of the durations since the last `take`, in classes of ten percent. Its memory does not depend on their number. */
export class RecentDurations {
  readonly #counts = new Uint32Array(classes)
  #total = 0

  observe(seconds: number): void {
    const above = Math.ceil(Math.log(Math.max(seconds, minSeconds) / minSeconds) / Math.log(growth))
    const at = Math.min(classes - 1, above)
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#total++
  }

  /** Returns the percentiles and clears the histogram; null if it was empty. */
  take(): DeliveryTimes | null {
    if (this.#total === 0) return null
    const times = { halfWithin: this.#within(0.5), mostWithin: this.#within(0.95) }
    this.#counts.fill(0)
    this.#total = 0
    return times
  }

  /** Returns the upper bound of the class that contains this percentile. */
  #within(share: number): number {
    const wanted = share * this.#total
    let sum = 0
    const at = this.#counts.findIndex((count) => {
      sum += count
      return sum >= wanted
    })
    return minSeconds * growth ** at
  }
}
