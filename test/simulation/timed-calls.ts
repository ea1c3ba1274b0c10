import { BrokenConnectionError, Calls } from '../pending/simulation/calls.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Calls whose effects and answers come by themselves, after a while. */
export class TimedCalls extends Calls {
  readonly #clock: VirtualClock
  readonly #random: () => number
  /** Calls whose connection may break yet. */
  #breaks: number

  constructor(clock: VirtualClock, random: () => number, breaks: number) {
    super()
    this.#clock = clock
    this.#random = random
    this.#breaks = breaks
  }

  override async make<T>(_name: string, effects: readonly (() => void)[], answer: () => T): Promise<T> {
    const breaksAt = this.#breaks > 0 && this.#random() < 0.01 ? Math.floor(this.#random() * (effects.length + 1)) : -1
    for (const [at, effect] of effects.entries()) {
      if (at === breaksAt) return await this.#break()
      // What is on its way to the server happens there, even if the process dies meanwhile.
      this.#clock.after(this.#delayMs(), effect)
      await this.#pass(8)
    }
    if (breaksAt === effects.length) return await this.#break()
    await this.#pass(this.#delayMs())
    return answer()
  }

  async #break(): Promise<never> {
    this.#breaks--
    await this.#pass(this.#delayMs())
    throw new BrokenConnectionError('broken by the simulation')
  }
  #delayMs(): number {
    return 0.2 + this.#random() * 7
  }
  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms))
  }
}
