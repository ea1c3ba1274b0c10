/** Series that the rules use, one value a sample. */
export class Recording {
  readonly #series = new Map<string, (string | null)[]>()
  #length = 0

  add(sample: ReadonlyMap<string, string>): void {
    for (const name of sample.keys()) {
      if (!this.#series.has(name))
        this.#series.set(
          name,
          Array.from({ length: this.#length }, () => null),
        )
    }
    for (const [name, values] of this.#series) values.push(sample.get(name) ?? null)
    this.#length++
  }

  get input() {
    return [...this.#series].map(([series, values]) => ({
      series,
      values: values.map((value) => value ?? '_').join(' '),
    }))
  }
}
