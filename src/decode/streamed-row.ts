import type { ColumnValue, Row } from '../model/source/row.ts'

/** Index of each column's value in a row, in the table's order. */
export type Positions = ReadonlyMap<string, number>

/** A row as a list of values. Filling a map for each streamed row takes several times as long. */
export class StreamedRow implements Row {
  readonly #positions: Positions
  readonly #values: readonly ColumnValue[]

  constructor(positions: Positions, values: readonly ColumnValue[]) {
    this.#positions = positions
    this.#values = values
  }

  get(column: string): ColumnValue | undefined {
    const position = this.#positions.get(column)
    return position === undefined ? undefined : this.#values[position]
  }

  values(): Iterable<ColumnValue> {
    return this.#values
  }

  *[Symbol.iterator](): Generator<[string, ColumnValue]> {
    for (const [column, position] of this.#positions) {
      const value = this.#values[position]
      if (value !== undefined) yield [column, value]
    }
  }
}
