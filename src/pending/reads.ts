import type { Lsn } from '../model/lsn.ts'
import type { PatientCode } from '../model/patient.ts'
import type { RowKey } from '../model/row.ts'
import { sees } from '../model/visibility.ts'
import { mergeRead } from './merge.ts'
import type { Placement } from './placement.ts'
import { ReadMarks } from './read-marks.ts'
import { codeOf, type Entry, type LookUp, type ReadRow } from './version.ts'

/** Table reads: which rows one is under way for, and for which one was merged that the stream has not caught up with. */
export class Reads {
  readonly #placement: Placement
  readonly #marks = new ReadMarks()
  readonly #expected = new Set<Entry>()
  #received: Lsn | null = null
  #newestEnd: Lsn | null = null
  #number = 0

  constructor(placement: Placement) {
    this.#placement = placement
  }

  /** Too many rows wait for the stream to pass their read: none is started. */
  get full(): boolean {
    return this.#marks.full
  }
  /** The end of the newest read that was merged. */
  get newestEnd(): Lsn | null {
    return this.#newestEnd
  }

  /** Keeps these rows in memory until `end`. @returns those whose state must be looked up before they are merged. */
  expect(keys: readonly RowKey[]): LookUp[] {
    const entries = keys.map((key) => this.#placement.entries.open(key))
    for (const entry of entries) {
      entry.expected = true
      this.#expected.add(entry)
    }
    return entries.filter(({ stored }) => stored === undefined)
  }

  /** @returns false if it is older than what is known: nothing is left of it then (rules 4 to 6). */
  merge(found: ReadRow): boolean {
    const { entries } = this.#placement
    const entry = entries.open(found.key)
    const { stale, version } = mergeRead(entry, found, this.#number)
    if (version) {
      entries.replace(entry, version)
      this.#mark(entry, found)
    } else {
      entries.claim(entry, found.claim)
    }
    this.#placement.place(entry)
    return !stale
  }

  end(): void {
    for (const entry of this.#expected) {
      entry.expected = false
      this.#placement.place(entry)
    }
    this.#expected.clear()
    this.#number++
  }

  /** The stream has received everything before a position: reads that ended there are forgotten. */
  passed(receivedLsn: Lsn): void {
    this.#received = receivedLsn
    for (const entry of this.#marks.passed(receivedLsn)) {
      if (!entry.read || entry.read.endLsn > receivedLsn) continue
      entry.read = null
      this.#placement.place(entry)
    }
  }

  /**
   * Whether a read that contains a row's streamed change found its code in another row. The row has lost the code since, as the
   * stream will tell by the time that it has passed the read: sent before, the change would bring back what was.
   */
  isOutdated(code: PatientCode, entry: Entry): boolean {
    const { waiting } = entry
    if (waiting?.origin !== 'stream' || waiting.xid === null) return false
    const { xid } = waiting
    return this.#marks.holding(code).some((mark) => mark.entry !== entry && sees(mark.snapshot, xid))
  }

  #mark(entry: Entry, { endLsn, snapshot, content, containsLsn }: ReadRow): void {
    if (this.#newestEnd === null || endLsn > this.#newestEnd) this.#newestEnd = endLsn
    if (containsLsn != null) return
    const isPassed = this.#received !== null && endLsn <= this.#received
    if (isPassed) entry.read = null
    else this.#marks.add({ entry, endLsn, snapshot, code: codeOf(content) })
  }
}
