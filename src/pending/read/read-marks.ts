import type { Lsn } from '../../model/source/lsn.ts'
import type { Entry } from '../entry/entry.ts'

export interface Mark {
  readonly entry: Entry
  readonly endLsn: Lsn
}

/**
 * Rows that a read was merged for, until the stream has passed the read's end. Marks only save reads (rule 3): beyond the
 * bound the oldest are forgotten, and their rows are read again if the stream delivers something older.
 */
export class ReadMarks {
  readonly #bound: number
  #marks: Mark[] = []

  constructor(bound: number) {
    this.#bound = bound
  }

  get size(): number {
    return this.#marks.length
  }

  /** Adds a mark. @returns the oldest marks, forgotten to make room. */
  add(mark: Mark): Mark[] {
    this.#marks.push(mark)
    // In portions: removing the oldest element of an array costs its length each time.
    if (this.#marks.length <= this.#bound + Math.max(1, this.#bound / 10)) return []
    return this.#marks.splice(0, this.#marks.length - this.#bound)
  }

  /** Returns the rows whose read ended before a position that the stream has received. */
  passed(receivedLsn: Lsn): Entry[] {
    const [oldest] = this.#marks
    // Reads are merged one after another: their ends only rise.
    if (!oldest || oldest.endLsn > receivedLsn) return []
    const passed = this.#marks.filter(({ endLsn }) => endLsn <= receivedLsn)
    this.#marks = this.#marks.filter(({ endLsn }) => endLsn > receivedLsn)
    return passed.map(({ entry }) => entry)
  }
}
