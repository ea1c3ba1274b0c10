/** Where nothing is known yet. */
const first = 2
/** Weight of the newest response time in the mean. */
const weight = 0.1

/**
 * How many requests may be out at a time: by Little's law, as many as the pace starts while one is answered, and half as many
 * again for those that take longer. After a failure half as many; each success gives one back. A 429 changes nothing.
 */
export class Concurrency {
  readonly #perMs: number
  readonly #most: number
  #meanMs: number | null = null
  #deviationMs = 0
  #allowed: number

  /** @param most never more than this. */
  constructor({ requestsPerMinute, most }: { readonly requestsPerMinute: number; readonly most: number }) {
    this.#perMs = requestsPerMinute / 60_000
    this.#most = most
    this.#allowed = Math.min(first, most)
  }

  get limit(): number {
    return this.#allowed
  }

  /** An answer after so many milliseconds; `failed`: a 5xx, or none. */
  answered(ms: number, failed: boolean): void {
    if (failed) {
      this.#allowed = Math.max(1, Math.floor(this.#allowed / 2))
      return
    }
    const mean = this.#meanMs ?? ms
    this.#deviationMs += weight * (Math.abs(ms - mean) - this.#deviationMs)
    this.#meanMs = mean + weight * (ms - mean)
    this.#allowed = Math.min(this.#allowed + 1, this.#needed)
  }

  get #needed(): number {
    const longMs = (this.#meanMs ?? 0) + 2 * this.#deviationMs
    return Math.min(this.#most, Math.max(first, Math.ceil(1.5 * this.#perMs * longMs) + 1))
  }
}
