interface Timer {
  readonly atMs: number
  readonly number: number
  readonly act: () => void
  /** The timer belongs to the simulated process and dies with it. */
  readonly isOfProcess: boolean
}

/** Clock that advances only from one timer to the next. `install` replaces the real clock, for the libraries as well. */
export class VirtualClock {
  readonly #epochMs: number
  readonly #timers: Timer[] = []
  #nowMs = 0
  #made = 0

  /** @param epochMs the wall-clock time at the beginning. */
  constructor(epochMs: number) {
    this.#epochMs = epochMs
  }

  get nowMs(): number {
    return this.#nowMs
  }
  get wallClockMs(): number {
    return Math.floor(this.#epochMs + this.#nowMs)
  }

  /** Schedules an event outside of the process. */
  after(ms: number, act: () => void): void {
    this.#add(ms, act, false)
  }

  /** Executes the next timer. @returns false if there is none. */
  next(): boolean {
    const timer = this.#timers.shift()
    if (!timer) return false
    this.#nowMs = timer.atMs
    timer.act()
    return true
  }

  /** Ends the process: removes all of its timers. */
  kill(): void {
    const left = this.#timers.filter(({ isOfProcess }) => !isOfProcess)
    this.#timers.splice(0, this.#timers.length, ...left)
  }

  /** Replaces timers, clocks and random numbers by simulated ones. @returns a function that restores them. */
  install(random: () => number): () => void {
    const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout }
    const realNow = Date.now
    const realRandom = Math.random
    const set = (act: (...given: readonly unknown[]) => void, ms = 0, ...given: readonly unknown[]) =>
      this.#add(ms, () => act(...given), true)
    const clear = (timer: Timer) => {
      const at = this.#timers.indexOf(timer)
      if (at >= 0) this.#timers.splice(at, 1)
    }
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear })
    Date.now = () => this.wallClockMs
    Math.random = random
    Object.defineProperty(performance, 'now', { value: () => this.#nowMs, configurable: true })
    return () => {
      Object.assign(globalThis, real)
      Date.now = realNow
      Math.random = realRandom
      Reflect.deleteProperty(performance, 'now')
    }
  }

  #add(ms: number, act: () => void, isOfProcess: boolean): Timer {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, ms), number: this.#made++, act, isOfProcess }
    let at = this.#timers.length
    while (at > 0 && (this.#timers[at - 1]?.atMs ?? 0) > timer.atMs) at--
    this.#timers.splice(at, 0, timer)
    return timer
  }
}
