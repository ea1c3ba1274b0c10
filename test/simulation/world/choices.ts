import { seededRandom } from '../../../src/model/seeded-random.ts'

/**
 * Where a simulation takes its decisions from: one number a step, from which all that the step decides follows. So steps can be
 * left out of a run, and the others stay what they were.
 */
export class Choices {
  /** One number for each step so far: the same run again, if they are given to `again`. */
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

  /** @returns false if there is no further step. */
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
