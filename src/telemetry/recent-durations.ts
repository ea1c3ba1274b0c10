import type { DeliveryTimes } from '../model/status/sample.ts'

/** Durations up to this count as nothing. */
const leastSeconds = 0.001
/** A class ends this much above the one before: what is said of a duration is at most so much too high. */
const growth = 1.1
/** Up to 22 days; what takes longer counts as that. */
const classes = 225

/** Durations since they were last taken, in classes of ten percent: however many there are, they need the same memory. */
export class RecentDurations {
  readonly #counts = new Uint32Array(classes)
  #total = 0

  observe(seconds: number): void {
    const above = Math.ceil(Math.log(Math.max(seconds, leastSeconds) / leastSeconds) / Math.log(growth))
    const at = Math.min(classes - 1, above)
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#total++
  }

  /** Forgets them; null if there were none. */
  take(): DeliveryTimes | null {
    if (this.#total === 0) return null
    const times = { halfWithin: this.#within(0.5), mostWithin: this.#within(0.95) }
    this.#counts.fill(0)
    this.#total = 0
    return times
  }

  /** The end of the class in which this share of all durations is reached. */
  #within(share: number): number {
    const wanted = share * this.#total
    let sum = 0
    const at = this.#counts.findIndex((count) => {
      sum += count
      return sum >= wanted
    })
    return leastSeconds * growth ** at
  }
}
