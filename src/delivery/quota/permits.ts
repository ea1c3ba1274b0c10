/** Time after a response for which a permit is unavailable, milliseconds: the documented window and a margin for clock drift. */
export const permitHoldMs = 60_000 + 100

/**
 * Ensures that the quota holds: a permit returns only a window after the *response* of the request that used it. So a later request
 * arrives more than a window after the earlier one did. No window of the server, fixed or sliding, contains more requests than
 * there are permits. Times are milliseconds of a monotonic clock.
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

  /** Takes permits for requests of an earlier run: they return at the given times. */
  preload(returnsAtMs: readonly number[]): void {
    const taken = Math.min(this.#free, returnsAtMs.length)
    this.#free -= taken
    this.#returns.push(...returnsAtMs)
    this.#returns.sort((a, b) => a - b)
    // If there are more times than permits, drop the earliest: one permit would return twice while the others are unavailable.
    this.#returns.splice(0, returnsAtMs.length - taken)
  }

  /** The response came, or certainly none will come: the permit returns after a window. */
  answered(nowMs: number): void {
    this.#returns.push(nowMs + permitHoldMs)
  }

  /** Takes permits that another client has used up, for a window. @returns their number. */
  withhold(count: number, nowMs: number): number {
    const taken = Math.min(count, this.#free)
    this.#free -= taken
    for (let left = taken; left > 0; left--) this.#returns.push(nowMs + permitHoldMs)
    return taken
  }

  /** Returns a permit with which nothing was sent. */
  unused(): void {
    this.#free++
  }

  /** Returns the time at which the next permit is free; null if that depends on requests in flight. */
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
