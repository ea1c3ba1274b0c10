import type { Lsn } from '../model/lsn.ts'
import type { PatientCode } from '../model/patient.ts'
import type { Snapshot } from '../model/visibility.ts'
import type { Entry } from './version.ts'

/** No read is started while more rows than this wait for the stream to pass their read: it bounds memory (MERGE, forgetting). */
const most = 2_000

interface Mark {
  readonly entry: Entry
  readonly endLsn: Lsn
  readonly snapshot: Snapshot
  readonly code: PatientCode | null
}

/** Which rows a read was merged for, and with which code, until the stream has passed the read's end. */
export class ReadMarks {
  #marks: Mark[] = []
  readonly #byCode = new Map<PatientCode, Set<Mark>>()

  get full(): boolean {
    return this.#marks.length >= most
  }

  add(mark: Mark): void {
    this.#marks.push(mark)
    if (mark.code === null) return
    const same = this.#byCode.get(mark.code)
    if (same) same.add(mark)
    else this.#byCode.set(mark.code, new Set([mark]))
  }

  /** The rows that a read, not yet passed, returned with this code. */
  holding(code: PatientCode): Mark[] {
    return [...(this.#byCode.get(code) ?? [])]
  }

  /** The rows whose read ended before a position that the stream has received. */
  passed(receivedLsn: Lsn): Entry[] {
    const [oldest] = this.#marks
    // Reads are merged one after another: their ends only rise.
    if (!oldest || oldest.endLsn > receivedLsn) return []
    const passed = this.#marks.filter(({ endLsn }) => endLsn <= receivedLsn)
    this.#marks = this.#marks.filter(({ endLsn }) => endLsn > receivedLsn)
    for (const mark of passed) this.#forget(mark)
    return passed.map(({ entry }) => entry)
  }

  #forget(mark: Mark): void {
    if (mark.code === null) return
    const same = this.#byCode.get(mark.code)
    same?.delete(mark)
    if (same?.size === 0) this.#byCode.delete(mark.code)
  }
}
