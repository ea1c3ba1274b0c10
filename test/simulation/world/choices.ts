import { seededRandom } from '../../../src/model/seeded-random.ts'

/**
 * Source of the decisions of a simulation. One number a step determines all decisions of that step, so that steps can be left out of a run
 * without changing the others.
 */
export class Choices {
  /** Number of each step so far. `again` repeats the run with them. */
  readonly taken: number[] = []
  readonly #next: () => number | undefined
  #random = seededRandom(0)

  private constructor(next: () => number | undefined) {
    this.#next = next
  }

  static ofSeed(seed: number): Choices {
    const random = seededRandom(seed)
    return new Choices(() => Math.floor(random() * 2 ** 32))
  }
  static again(taken: readonly number[]): Choices {
    let at = 0
    return new Choices(() => taken[at++])
  }

  /** Begins the next step. @returns false if there is none. */
  step(): boolean {
    const number = this.#next()
    if (number === undefined) return false
    this.taken.push(number)
    this.#random = seededRandom(number)
    return true
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
  percent(chance: number): boolean {
    return this.below(100) < chance
  }
  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }
}
