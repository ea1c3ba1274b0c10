/** Log of the newest `capacity` entries, or up to a quarter more, so that dropping the oldest is cheap. */
export class BoundedLog<Entry> {
  readonly #capacity: number
  #entries: Entry[] = []
  #total = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get entries(): readonly Entry[] {
    return this.#entries
  }

  /** Number of entries ever pushed, including the dropped ones. */
  get total(): number {
    return this.#total
  }

  push(entry: Entry): void {
    this.#entries.push(entry)
    this.#total += 1
    if (this.#entries.length > this.#capacity * 1.25) this.#entries = this.#entries.slice(-this.#capacity)
  }

  clear(): void {
    this.#entries = []
    this.#total = 0
  }
}
