import type { Lsn } from '../model/lsn.ts'
import type { RowKey } from '../model/row.ts'

/** No read is started while more rows than this wait for the stream to pass their read: it bounds memory (MERGE, forgetting). */
const most = 2_000

/** Which rows a read was merged for, until the stream has passed the read's end. */
export class ReadMarks {
  #marks: { readonly key: RowKey; readonly endLsn: Lsn }[] = []

  get full(): boolean {
    return this.#marks.length >= most
  }

  add(key: RowKey, endLsn: Lsn): void {
    this.#marks.push({ key, endLsn })
  }

  /** The rows whose read ended before a position that the stream has received. */
  passed(receivedLsn: Lsn): RowKey[] {
    if (this.#marks.length === 0) return []
    const passed = this.#marks.filter(({ endLsn }) => endLsn <= receivedLsn)
    this.#marks = this.#marks.filter(({ endLsn }) => endLsn > receivedLsn)
    return passed.map(({ key }) => key)
  }
}
