/**
 * An even pace with credit: requests are due one interval apart. After a stall or an idle time, requests may catch up by at most
 * `creditMs`. So a saturated client keeps its rate on a machine that stalls, and never runs ahead of it.
 */
export class Pace {
  readonly #intervalMs: number
  readonly #creditMs: number
  #dueMs = Number.NEGATIVE_INFINITY

  constructor(options: { readonly intervalMs: number; readonly creditMs: number }) {
    this.#intervalMs = options.intervalMs
    this.#creditMs = options.creditMs
  }

  /** Returns the time that the next request must wait, milliseconds. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#dueMs - nowMs)
  }

  /** Starts the pace now, without credit from before. */
  begin(nowMs: number): void {
    this.#dueMs = Math.max(this.#dueMs, nowMs)
  }

  /** Notes that a request is sent. */
  leave(nowMs: number): void {
    this.#dueMs = Math.max(this.#dueMs, nowMs - this.#creditMs) + this.#intervalMs
  }
}
