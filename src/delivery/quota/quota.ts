import pThrottle from 'p-throttle'
import { longestTimerMs } from '../../lifecycle/wait.ts'
import { Pace } from './pace.ts'
import { Permits, permitHoldMs } from './permits.ts'

/** A permit to send one request now. Exactly one of its two methods must be called. */
export interface Permit {
  /** @param remaining remaining requests of the API's window, if the API says so. */
  answered(remaining?: number | null): void
  unused(): void
}

/** Number of requests in one second of wall-clock time, for the store. */
export type RequestsInSecond = readonly [epochSecond: number, count: number]

export interface QuotaOptions {
  readonly requestsPerMinute: number
  readonly monotonicMs: () => number
  readonly wallClockMs: () => number
}

/** Requests within this time are sent together: at a high rate a timer could not keep them apart. */
const togetherMs = 100
/** Additional time that p-throttle may take before it is replaced, milliseconds. */
const lateMs = 1_000
/** Time by which requests may catch up after a stall, at twice the pace. */
const creditMs = 1_000

/**
 * The budget of one endpoint. p-throttle keeps requests apart, the pace keeps them even, and the permits prove that no window
 * contains more than the limit.
 */
export class Quota {
  readonly #options: QuotaOptions
  readonly #permits: Permits
  readonly #pace: Pace
  readonly #apartMs: number
  #apart: () => Promise<void>
  readonly #sent = new Map<number, number>()
  /** Requests that an earlier run may have sent in addition to the known ones: the next run must count them too. */
  readonly #assumed = new Map<number, number>()
  /** Calls that wait for a permit or for their turn: several may wait, and a change concerns all of them. */
  readonly #waiting = new Set<() => void>()
  /** Number of calls that want a permit now, and the time since which there was none. */
  #wanting = 0
  #idleSinceMs: number
  #taken = 0
  /** Total number of permits that were withheld because another client had used them up. */
  #withheld = 0
  #pausedUntilMs = Number.NEGATIVE_INFINITY

  constructor(options: QuotaOptions) {
    this.#options = options
    this.#permits = new Permits(options.requestsPerMinute)
    const intervalMs = 60_000 / options.requestsPerMinute
    this.#pace = new Pace({ intervalMs, creditMs })
    this.#idleSinceMs = options.monotonicMs()
    this.#pace.begin(this.#idleSinceMs)
    this.#apartMs = Math.ceil((this.#together * intervalMs) / 2)
    this.#apart = this.#throttle()
  }

  get #together(): number {
    return Math.max(1, Math.floor((togetherMs * this.#options.requestsPerMinute) / 60_000))
  }

  get free(): number {
    return this.#permits.free
  }

  /** Total number of permits that were given. */
  get taken(): number {
    return this.#taken
  }

  /** Number of requests sent in the last 60 seconds. */
  get lastMinute(): number {
    this.#forget()
    return [...this.#sent.values()].reduce((sum, count) => sum + count, 0)
  }

  /**
   * Counts the requests that an earlier run is known to have sent, and `unrecorded` more that it may have sent. `unrecordedMs`:
   * time until now in which it may have sent at its full pace without a record.
   */
  resume(earlier: readonly RequestsInSecond[], unrecorded: number, unrecordedMs = 0): void {
    const now = this.#options.monotonicMs()
    const epochMs = this.#options.wallClockMs()
    const returns: number[] = []
    for (const [second, many] of earlier) {
      count(this.#sent, second, many)
      // A clock that was set back must not make the remaining time longer than `permitHoldMs`.
      const elapsedMs = Math.max(0, epochMs - (second + 1) * 1000)
      for (let i = 0; i < many && elapsedMs < permitHoldMs; i++) returns.push(now + permitHoldMs - elapsedMs)
    }
    const assume = (ageMs: number) => {
      returns.push(now + permitHoldMs - ageMs)
      count(this.#assumed, Math.floor((epochMs - ageMs) / 1000), 1)
    }
    for (let i = 0; i < unrecorded; i++) assume(0)
    if (unrecordedMs > 0) {
      const intervalMs = 60_000 / this.#options.requestsPerMinute
      for (let ms = -creditMs; ms < Math.min(unrecordedMs, permitHoldMs); ms += intervalMs) assume(Math.max(0, ms))
    }
    this.#permits.preload(returns)
    // The earlier run was active until now: there is no credit.
    this.#pace.begin(now)
  }

  /** Pauses after a 429: nothing is sent before the time is over. */
  pause(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#options.monotonicMs() + ms)
  }

  /** Waits for its turn and for a permit; null once the signal aborts. */
  async next(signal: AbortSignal): Promise<Permit | null> {
    // p-throttle lets calls through after an abort: check the signal on both sides (fact 19).
    if (signal.aborted) return null
    if (this.#wanting++ === 0) this.#pace.idle(this.#idleSinceMs, this.#options.monotonicMs())
    const permit = await this.#next(signal)
    if (--this.#wanting === 0) this.#idleSinceMs = this.#options.monotonicMs()
    return permit
  }

  async #next(signal: AbortSignal): Promise<Permit | null> {
    await this.#untilApart()
    while (!signal.aborted) {
      const now = this.#options.monotonicMs()
      const waitMs = Math.max(this.#pace.waitMs(now), this.#pausedUntilMs - now)
      if (waitMs > 0) {
        await this.#permitMayBeBack(waitMs, signal)
        continue
      }
      if (this.#permits.take(now)) {
        this.#pace.leave(now)
        return this.#permit()
      }
      const at = this.#permits.nextAtMs(now)
      await this.#permitMayBeBack(at === null ? 1_000 : Math.max(1, at - now), signal)
    }
    return null
  }

  /** Strict mode: otherwise the calls of two windows could coincide (fact 17). A call decides what it sends when it runs. */
  #throttle(): () => Promise<void> {
    return pThrottle({ limit: this.#together, interval: this.#apartMs, strict: true })(async () => undefined)
  }

  /** p-throttle uses the wall clock: if that is set back, every call would wait until the clock has caught up. */
  async #untilApart(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, this.#apartMs + lateMs, 'late')
    })
    if ((await Promise.race([this.#apart(), late])) === 'late') this.#apart = this.#throttle()
    clearTimeout(timer)
  }

  /** Returns the requests of the last minute, including those that an earlier run may have sent. */
  recent(): RequestsInSecond[] {
    this.#forget()
    const all = new Map(this.#sent)
    for (const [second, many] of this.#assumed) count(all, second, many)
    return [...all]
  }

  #forget(): void {
    const oldest = Math.floor(this.#options.wallClockMs() / 1000) - 61
    for (const counted of [this.#sent, this.#assumed])
      for (const second of counted.keys()) if (second < oldest) counted.delete(second)
  }

  #permit(): Permit {
    const second = Math.floor(this.#options.wallClockMs() / 1000)
    count(this.#sent, second, 1)
    const free = this.#permits.free
    const taken = ++this.#taken
    const withheld = this.#withheld
    return {
      answered: (remaining = null) => {
        const now = this.#options.monotonicMs()
        this.#permits.answered(now)
        // The server cannot have counted more of our requests than were held then, or sent since: the rest is another client's.
        // Permits that answers to other requests have withheld in the meantime are not counted again.
        const least = free - (this.#taken - taken) - (this.#withheld - withheld)
        if (remaining !== null && remaining < least) this.#withheld += this.#permits.withhold(least - remaining, now)
        this.#changed()
      },
      unused: () => {
        const left = (this.#sent.get(second) ?? 1) - 1
        if (left > 0) this.#sent.set(second, left)
        else this.#sent.delete(second)
        this.#permits.unused()
        this.#changed()
      },
    }
  }

  #changed(): void {
    for (const wake of this.#waiting) wake()
  }

  /** Waits until something changes, the time is over, or the signal aborts. */
  #permitMayBeBack(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, Math.min(ms, longestTimerMs))
      signal.addEventListener('abort', wake, { once: true })
      this.#waiting.add(wake)
    })
  }
}

function count(counted: Map<number, number>, second: number, many: number): void {
  counted.set(second, (counted.get(second) ?? 0) + many)
}
