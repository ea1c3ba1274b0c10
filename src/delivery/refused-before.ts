/**
 * Rows that were refused alone when everything seemed to be refused. One of them that is refused again, after something else was
 * accepted, is bad: few bad rows would else look like an API that refuses everything for as long as they are alone.
 */
export class RefusedBefore<R> {
  readonly #isSame: (a: R, b: R) => boolean
  #rows: readonly R[] = []
  #acceptedSince = false

  /** @param isSame whether two are versions of one row. */
  constructor(isSame: (a: R, b: R) => boolean) {
    this.#isSame = isSame
  }

  /** Everything seemed to be refused, these rows alone among it. */
  halted(alone: readonly R[]): void {
    this.#rows = alone
    this.#acceptedSince = false
  }

  accepted(rows: readonly R[]): void {
    this.#acceptedSince = true
    this.#rows = this.#rows.filter((row) => !rows.some((other) => this.#isSame(row, other)))
  }

  /** Whether a row that is refused alone was refused before something else was accepted. It counts once. */
  isProven(row: R): boolean {
    const others = this.#rows.filter((before) => !this.#isSame(before, row))
    if (!this.#acceptedSince || others.length === this.#rows.length) return false
    this.#rows = others
    return true
  }
}
