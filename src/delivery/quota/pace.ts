/**
 * An even pace with credit: requests are due one interval apart. After a stall, requests may catch up by at most `creditMs`. So a
 * saturated client keeps its rate on a machine that stalls, and never runs ahead of it. An idle time gives no credit: a client that
 * begins at twice the pace would need more requests, since fewer changes coalesce.
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

  /** Notes that nobody wanted to send from one time to another: the credit stays as it was. */
  idle(fromMs: number, toMs: number): void {
    if (this.#dueMs < toMs) this.#dueMs = toMs - Math.max(0, fromMs - this.#dueMs)
  }

  /** Notes that a request is sent. */
  leave(nowMs: number): void {
    this.#dueMs = Math.max(this.#dueMs, nowMs - this.#creditMs) + this.#intervalMs
  }
}
