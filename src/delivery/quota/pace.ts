/**
 * An even pace with a memory: requests are due one interval apart. What a stall or an idle time left out, up to `creditMs` of
 * it, may follow; the rest is lost. So a saturated client keeps its rate on a machine that stumbles, and never runs ahead of it.
 */
export class Pace {
  readonly #intervalMs: number
  readonly #creditMs: number
  #dueMs = Number.NEGATIVE_INFINITY

  constructor(options: { readonly intervalMs: number; readonly creditMs: number }) {
    this.#intervalMs = options.intervalMs
    this.#creditMs = options.creditMs
  }

  /** How long the next request must wait, milliseconds. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#dueMs - nowMs)
  }

  /** Nothing was left out so far: what follows is paced from now on. */
  begin(nowMs: number): void {
    this.#dueMs = Math.max(this.#dueMs, nowMs)
  }

  /** A request leaves. */
  leave(nowMs: number): void {
    this.#dueMs = Math.max(this.#dueMs, nowMs - this.#creditMs) + this.#intervalMs
  }
}
