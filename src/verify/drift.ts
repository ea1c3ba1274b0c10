import type { Result } from './row-verdict.ts'

/** Number of recently verified rows that count. */
const lastRows = 1_000

/** Share of the recently verified rows that differed, or were missing, at mediQuo. Pending ones do not count. */
export class Drift {
  readonly #drifted: boolean[] = []
  #next = 0

  add(result: Result): void {
    if (result === 'pending') return
    this.#drifted[this.#next] = result !== 'same'
    this.#next = (this.#next + 1) % lastRows
  }

  /** Returns the share, 0 to 1; 0 before any row was verified. */
  get ratio(): number {
    return this.#drifted.filter(Boolean).length / Math.max(1, this.#drifted.length)
  }
}
