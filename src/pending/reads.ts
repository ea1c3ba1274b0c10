import type { Lsn } from '../model/lsn.ts'
import type { PatientCode } from '../model/patient.ts'
import type { RowKey } from '../model/row.ts'
import { mergeRead } from './merge.ts'
import type { Placement } from './placement.ts'
import { ReadMarks } from './read-marks.ts'
import { codeOf, type Entry, newestKnown, type ReadRow } from './version.ts'

/** Table reads: which rows one is under way for, and for which one was merged that the stream has not caught up with. */
export class Reads {
  readonly #placement: Placement
  readonly #marks = new ReadMarks()
  readonly #expected = new Set<Entry>()
  #received: Lsn | null = null
  #newestEnd: Lsn | null = null

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
  expect(keys: readonly RowKey[]): RowKey[] {
    return keys.filter((key) => {
      const entry = this.#placement.entries.open(key)
      entry.expected = true
      this.#expected.add(entry)
      return entry.stored === undefined
    })
  }

  /** @returns false if it is older than what is known: nothing is left of it then (rules 4 to 6). */
  merge(found: ReadRow): boolean {
    const { entries } = this.#placement
    const entry = entries.open(found.key)
    const { stale, version } = mergeRead(entry, found)
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
   * A code leaves for another row, from a change that may be older than a read that gave it to this one; the change that
   * moved the code is contained in that read and would not be sent. So the row is read again, and sent after.
   */
  readAgain(code: PatientCode, holder: Entry): void {
    for (const { entry, readAtMs } of this.#marks.holding(code)) {
      if (entry === holder || entry.waiting || entry.inFlight || entry.stored?.code !== code) continue
      const known = newestKnown(entry)
      entry.inDoubt = true
      this.#placement.entries.replace(entry, {
        content: { kind: 'incomplete' },
        origin: 'read',
        lane: 'live',
        committedAtMs: readAtMs,
        bytes: 0,
        readTo: entry.read?.endLsn ?? null,
        position: known?.position ?? null,
        xid: known?.xid ?? null,
        debt: null,
        claim: null,
      })
      this.#placement.place(entry)
    }
  }

  #mark(entry: Entry, { endLsn, snapshot, content, readAtMs }: ReadRow): void {
    if (this.#newestEnd === null || endLsn > this.#newestEnd) this.#newestEnd = endLsn
    const isPassed = this.#received !== null && endLsn <= this.#received
    entry.read = isPassed ? null : { snapshot, endLsn }
    if (!isPassed) this.#marks.add({ entry, endLsn, readAtMs, code: codeOf(content) })
  }
}
