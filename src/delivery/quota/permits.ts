/** After a response a permit stays away for the documented window and a margin for clocks that drift apart, milliseconds. */
export const permitHoldMs = 60_000 + 100

/**
 * The proof that the quota holds: a permit comes back only a window after the *response* of the request that used it. So a
 * later request arrives more than a window after the earlier one did, and no window of the server's, fixed or sliding, holds
 * more requests than there are permits. Times are milliseconds of a monotonic clock.
 */
export class Permits {
  readonly #returns: number[] = []
  #free: number
  readonly limit: number

  constructor(limit: number) {
    this.limit = limit
    this.#free = limit
  }

  get free(): number {
    return this.#free
  }

  take(nowMs: number): boolean {
    this.#collect(nowMs)
    if (this.#free < 1) return false
    this.#free--
    return true
  }

  /** Requests that an earlier run made: their permits come back at the given times. */
  preload(returnsAtMs: readonly number[]): void {
    const taken = Math.min(this.#free, returnsAtMs.length)
    this.#free -= taken
    this.#returns.push(...returnsAtMs)
    this.#returns.sort((a, b) => a - b)
    // More than there are permits: the earliest would come back while the others are still away, one permit twice.
    this.#returns.splice(0, returnsAtMs.length - taken)
  }

  /** The request's response came, or it is sure that none will: the permit is away for a window more. */
  answered(nowMs: number): void {
    this.#returns.push(nowMs + permitHoldMs)
  }

  /** Somebody else has used up so many: they stay away for a window. @returns how many of them there were. */
  withhold(count: number, nowMs: number): number {
    const taken = Math.min(count, this.#free)
    this.#free -= taken
    for (let left = taken; left > 0; left--) this.#returns.push(nowMs + permitHoldMs)
    return taken
  }

  /** Nothing was sent with it. */
  unused(): void {
    this.#free++
  }

  /** When the next permit comes back, if none is free; null if that depends on requests in flight. */
  nextAtMs(nowMs: number): number | null {
    this.#collect(nowMs)
    return this.#free > 0 ? nowMs : (this.#returns[0] ?? null)
  }

  #collect(nowMs: number): void {
    let back = 0
    while (back < this.#returns.length && (this.#returns[back] ?? 0) <= nowMs) back++
    if (back === 0) return
    this.#returns.splice(0, back)
    this.#free = Math.min(this.limit, this.#free + back)
  }
}
