import type { AnsweredRequest } from './answered-request.ts'

/** Limit while no response time is known. */
const first = 2
/** Weight of the newest response time in the mean. */
const weight = 0.1

/**
 * Limits concurrent requests. By Little's law: as many as the pace starts during one response time, and half as many in addition
 * for slow answers. A failure halves the limit, once for all requests that were in flight by then; each success adds one. A 429
 * changes nothing.
 */
export class Concurrency {
  readonly #perMs: number
  readonly #most: number
  #meanMs: number | null = null
  #deviationMs = 0
  #allowed: number
  /** The newest request that was in flight when the limit was halved. */
  #halvedUpTo = 0

  /** @param most upper limit. */
  constructor({ requestsPerMinute, most }: { readonly requestsPerMinute: number; readonly most: number }) {
    this.#perMs = requestsPerMinute / 60_000
    this.#most = most
    this.#allowed = Math.min(first, most)
  }

  get limit(): number {
    return this.#allowed
  }

  /** Notes the answer to a request after this many milliseconds; `failed`: a 5xx, or no answer. */
  answered({ number, newest }: AnsweredRequest, ms: number, failed: boolean): void {
    if (failed) {
      if (number <= this.#halvedUpTo) return
      this.#halvedUpTo = newest
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
