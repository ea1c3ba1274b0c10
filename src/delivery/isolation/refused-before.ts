/** Maximum number of remembered rows. */
const maxRemembered = 10_000

/**
 * Rows that were named or refused alone when everything seemed to be refused. Such a row is bad if it is refused again after
 * something else was accepted. Otherwise a few bad rows would look like an API that refuses everything for as long as they are
 * alone.
 */
export class RefusedBefore {
  /** Rows refused since the last acceptance, and before it. */
  readonly #since = new Set<string>()
  readonly #before = new Set<string>()
  readonly #maxProofs: number
  #proofs = 0

  /** @param maxProofs number of rows that one acceptance proves to be bad: right after it the API may refuse everything again. */
  constructor(maxProofs: number) {
    this.#maxProofs = maxProofs
  }

  /** Everything seemed to be refused, these rows by themselves. */
  halted(rows: readonly string[]): void {
    for (const row of rows) if (!this.#before.has(row)) this.#since.add(row)
    for (const row of this.#since) {
      if (this.#since.size + this.#before.size <= maxRemembered) return
      this.#since.delete(row)
    }
  }

  accepted(rows: readonly string[]): void {
    this.#proofs = this.#maxProofs
    for (const row of this.#since) this.#before.add(row)
    this.#since.clear()
    if (this.#before.size > 0) for (const row of rows) this.#before.delete(row)
  }

  /** Returns true if a row that is refused by itself was also refused before something else was accepted. It counts once. */
  isProven(row: string): boolean {
    if (this.#proofs === 0 || !this.#before.delete(row)) return false
    this.#proofs--
    return true
  }
}
