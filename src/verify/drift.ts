import type { Result } from './verdict.ts'

/** How many of the rows verified last count. */
const lastRows = 1_000

/** Which share of the rows verified last differed, or were missing, at mediQuo. Pending ones say nothing. */
export class Drift {
  readonly #drifted: boolean[] = []
  #next = 0

  add(result: Result): void {
    if (result === 'pending') return
    this.#drifted[this.#next] = result !== 'same'
    this.#next = (this.#next + 1) % lastRows
  }

  /** From 0 to 1; 0 while nothing was verified. */
  get ratio(): number {
    return this.#drifted.filter(Boolean).length / Math.max(1, this.#drifted.length)
  }
}
