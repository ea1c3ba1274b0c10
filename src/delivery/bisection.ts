/** Halves of refused batches, to be sent as they are until each bad row stands alone. Their rows stay in flight meanwhile. */
export class Bisection<P> {
  readonly #batches: (readonly P[])[] = []

  get waiting(): number {
    return this.#batches.length
  }

  /** @param batch at least two. */
  split(batch: readonly P[]): void {
    const half = Math.ceil(batch.length / 2)
    this.#batches.push(batch.slice(0, half), batch.slice(half))
  }

  next(): readonly P[] | null {
    return this.#batches.shift() ?? null
  }
}
