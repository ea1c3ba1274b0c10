/** Time by which a request may outlive its timeout, milliseconds: it is on its way, and timers are late. */
const maxMarginMs = 2_000
const minMarginMs = 100
/** Time after the beginning of a write in which requests may leave, milliseconds. A store that is slow to write gets more. */
const maxUsualWindowMs = 5_000
const minWindowMs = 200
const maxWindowMs = 60_000

/**
 * Rule 15: the time in which this instance may send. A request leaves only if it will be answered or given up before the lease ends. The
 * lease begins when the write of the store that asked for it was begun. Another instance that takes over sends once the store says that
 * this lease is over. A lease is asked for only while requests wait, and released by the next write after the last one is over: a restart
 * waits only if requests were out.
 */
export class Lease {
  readonly #requestMs: number
  readonly #usualWindowMs: number
  #windowMs: number
  /** Time until which a request may begin; null without a lease. */
  #mayLeaveUntilMs: number | null = null
  /** True if the store may have a lease of this instance. */
  #isStored = false
  /** Length that the write in progress asks for, and the time at which it was begun. */
  #asking: { readonly atMs: number; readonly lengthMs: number | null } | null = null
  /** Number of requests in flight, and the time at which the newest one left. */
  #inFlight = 0
  #leftAtMs = Number.NEGATIVE_INFINITY
  /** Time until which a request without an answer may still be applied. */
  #lostUntilMs = Number.NEGATIVE_INFINITY
  /** Time until which requests of another process may be out. */
  #othersUntilMs = Number.NEGATIVE_INFINITY

  constructor(requestTimeoutMs: number) {
    this.#requestMs = requestTimeoutMs + within(requestTimeoutMs / 10, minMarginMs, maxMarginMs)
    this.#usualWindowMs = within(requestTimeoutMs / 6, minWindowMs, maxUsualWindowMs)
    this.#windowMs = this.#usualWindowMs
  }

  /** Requests of another process may be out until then. */
  othersUntil(ms: number): void {
    this.#othersUntilMs = Math.max(this.#othersUntilMs, ms)
  }
  /** Returns the time until which requests of another process may be out; null if none is. */
  waitsUntilMs(nowMs: number): number | null {
    return nowMs < this.#othersUntilMs ? this.#othersUntilMs : null
  }

  /** Returns the time until which requests of this instance may be applied; null if none is out. */
  outUntilMs(nowMs: number): number | null {
    const flyingUntilMs = this.#inFlight > 0 ? this.#leftAtMs + this.#requestMs : Number.NEGATIVE_INFINITY
    const untilMs = Math.max(flyingUntilMs, this.#lostUntilMs)
    return this.#inFlight > 0 || nowMs < untilMs ? untilMs : null
  }
  /** Returns true if the store may have a lease of this instance, and no request is out. */
  isReleasable(nowMs: number): boolean {
    return this.#isStored && this.outUntilMs(nowMs) === null && this.waitsUntilMs(nowMs) === null
  }

  /** Returns true if a request that begins now is over before the lease ends. */
  covers(nowMs: number): boolean {
    return this.#mayLeaveUntilMs !== null && nowMs <= this.#mayLeaveUntilMs && this.waitsUntilMs(nowMs) === null
  }

  /**
   * Returns the length of the lease that a write asks for; 0 to release it, null to leave it as it is. While the lease of another process
   * lasts it must stay in the store. @param isWanted true if requests wait for this write.
   */
  ask(nowMs: number, isWanted: boolean): number | null {
    const lengthMs =
      this.waitsUntilMs(nowMs) !== null
        ? null
        : isWanted
          ? this.#requestMs + this.#windowMs
          : this.isReleasable(nowMs)
            ? 0
            : null
    // A release whose answer is lost may be stored or not.
    if (lengthMs === 0) this.#mayLeaveUntilMs = null
    if (lengthMs !== null && lengthMs > 0) this.#isStored = true
    this.#asking = { atMs: nowMs, lengthMs }
    return lengthMs
  }

  /** The write is stored. */
  stored(nowMs: number): void {
    if (this.#asking === null) return
    const { atMs, lengthMs } = this.#asking
    this.#asking = null
    if (lengthMs === null) return
    this.#isStored = lengthMs > 0
    if (lengthMs === 0) return
    this.#mayLeaveUntilMs = atMs + lengthMs - this.#requestMs
    this.#windowMs = within(3 * (nowMs - atMs), this.#usualWindowMs, maxWindowMs)
  }
  /** The result of the write is unknown. */
  failed(): void {
    this.#asking = null
  }

  requestLeft(nowMs: number): void {
    this.#inFlight++
    this.#leftAtMs = nowMs
  }
  /** @param isLost true if it is unknown whether the request was applied: it may still be. */
  requestOver(leftAtMs: number, isLost: boolean): void {
    this.#inFlight--
    if (isLost) this.#lostUntilMs = Math.max(this.#lostUntilMs, leftAtMs + this.#requestMs)
  }
}

function within(ms: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, ms))
}
