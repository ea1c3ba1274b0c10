import pThrottle from 'p-throttle'
import { longestTimerMs } from '../../lifecycle/longest-timer.ts'
import { Pace } from './pace.ts'
import { Permits, permitHoldMs } from './permits.ts'

/** A permit to send one request now. Exactly one of its two ends must be called. */
export interface Permit {
  /** @param remaining what the API says is left of its window, if it does. */
  answered(remaining?: number | null): void
  unused(): void
}

/** Requests in one second of wall-clock time, for the state. */
export type RequestsInSecond = readonly [epochSecond: number, count: number]

export interface QuotaOptions {
  readonly requestsPerMinute: number
  readonly monotonicMs: () => number
  readonly wallClockMs: () => number
}

/** Requests that leave together, at a rate so high that a timer could not keep them apart: those of this time. */
const togetherMs = 100
/** p-throttle is given so much more time than it may take, milliseconds. */
const lateMs = 1_000
/** What a stall or an idle time has left out may follow at twice the pace, up to this much of it. */
const creditMs = 1_000

/**
 * The budget of one endpoint. p-throttle keeps sends apart, the pace keeps them even, and the permits prove that no window
 * holds more than the limit.
 */
export class Quota {
  readonly #options: QuotaOptions
  readonly #permits: Permits
  readonly #pace: Pace
  readonly #apartMs: number
  #apart: () => Promise<void>
  readonly #sent = new Map<number, number>()
  /** What an earlier run may have sent beside what is known of it: the run after this one must count it as well. */
  readonly #assumed = new Map<number, number>()
  /** Those that wait for a permit, or for their turn: several may at once, and a change concerns all of them. */
  readonly #waiting = new Set<() => void>()
  #taken = 0
  /** Permits that were withheld since somebody else had used them up, ever. */
  #withheld = 0
  #pausedUntilMs = Number.NEGATIVE_INFINITY

  constructor(options: QuotaOptions) {
    this.#options = options
    this.#permits = new Permits(options.requestsPerMinute)
    const intervalMs = 60_000 / options.requestsPerMinute
    this.#pace = new Pace({ intervalMs, creditMs })
    this.#apartMs = Math.ceil((this.#together * intervalMs) / 2)
    this.#apart = this.#throttle()
  }

  get #together(): number {
    return Math.max(1, Math.floor((togetherMs * this.#options.requestsPerMinute) / 60_000))
  }

  get free(): number {
    return this.#permits.free
  }

  /** Permits that were given, ever. */
  get taken(): number {
    return this.#taken
  }

  /** Requests sent in the last 60 seconds. */
  get lastMinute(): number {
    this.#forget()
    return [...this.#sent.values()].reduce((sum, count) => sum + count, 0)
  }

  /**
   * What an earlier run is known to have sent, and how many more it may have sent unrecorded. `unrecordedMs`: for so long it may
   * have sent at its full pace, unrecorded, until a moment ago.
   */
  resume(earlier: readonly RequestsInSecond[], unrecorded: number, unrecordedMs = 0): void {
    const now = this.#options.monotonicMs()
    const epochMs = this.#options.wallClockMs()
    const returns: number[] = []
    for (const [second, many] of earlier) {
      count(this.#sent, second, many)
      // A clock that was set back must not make a request look older than the whole hold.
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
    // The run before was under way until a moment ago: it left nothing out.
    this.#pace.begin(now)
  }

  /** A 429: nothing leaves before. */
  pause(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#options.monotonicMs() + ms)
  }

  /** Waits for its turn and for a permit; null once the signal aborts. */
  async next(signal: AbortSignal): Promise<Permit | null> {
    // p-throttle lets calls through after an abort: the signal is looked at on both sides (TRAPS 19).
    if (signal.aborted) return null
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

  /** Strict, or two windows' worth of calls could fall together (TRAPS 17). Its queue holds one call at a time: what a call sends is decided when it runs. */
  #throttle(): () => Promise<void> {
    return pThrottle({ limit: this.#together, interval: this.#apartMs, strict: true })(async () => undefined)
  }

  /** p-throttle counts by the wall clock: one that is set back would keep everybody waiting until it has caught up. */
  async #untilApart(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, this.#apartMs + lateMs, 'late')
    })
    if ((await Promise.race([this.#apart(), late])) === 'late') this.#apart = this.#throttle()
    clearTimeout(timer)
  }

  /** Requests of the last minute, with those that an earlier run may have sent. */
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
        // The server cannot have counted more of ours than were held then, or sent since: the rest is somebody else's. What
        // answers to other requests have said of it in the meantime is no more of it.
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

  /** Until something has changed, the time is over, or the signal aborts. */
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
