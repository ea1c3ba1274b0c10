import type { Lsn } from '../../model/source/lsn.ts'
import type { RowKey } from '../../model/source/row.ts'
import type { Entry, LookUp } from '../entry/entry.ts'
import { mergeRead } from '../entry/merge.ts'
import type { ReadRow } from '../entry/version.ts'
import type { EntryScheduler } from '../queue/entry-scheduler.ts'
import { ReadMarks } from './read-marks.ts'

/** Table reads: rows that a read is in progress for, and rows that were merged and that the stream has not caught up with. */
export class Reads {
  readonly #scheduler: EntryScheduler
  readonly #marks: ReadMarks
  readonly #expected = new Set<Entry>()
  #received: Lsn | null = null
  #number = 0

  constructor(scheduler: EntryScheduler, { marks }: { readonly marks: number }) {
    this.#scheduler = scheduler
    this.#marks = new ReadMarks(marks)
  }

  get marks(): number {
    return this.#marks.size
  }

  /** Keeps these rows in memory until `end`. @returns those whose record must be loaded before they are merged. */
  expect(keys: readonly RowKey[]): LookUp[] {
    const entries = keys.map((key) => this.#scheduler.entries.open(key))
    for (const entry of entries) {
      entry.expect(true)
      this.#expected.add(entry)
    }
    return entries.filter(({ stored }) => stored === undefined)
  }

  /** Forgets, durably, what the API accepted of these rows: it has something else. */
  distrust(keys: readonly RowKey[]): void {
    const { entries } = this.#scheduler
    for (const key of keys) {
      const entry = entries.find(key)
      if (entry?.stored?.fingerprint) entries.store(entry, { ...entry.stored, fingerprint: null })
    }
  }

  /** Merges a row of a read. @returns false if it is older than what is known, and leaves nothing behind (rules 4 to 6). */
  merge(found: ReadRow): boolean {
    const { entries } = this.#scheduler
    const entry = entries.open(found.key)
    const { stale, version } = mergeRead(entry, found, this.#number)
    if (version) {
      entries.replace(entry, version)
      this.#mark(entry, found)
    } else {
      entries.handOverBackfillDebt(entry, found.backfillDebt)
    }
    this.#scheduler.schedule(entry)
    return !stale
  }

  end(): void {
    for (const entry of this.#expected) {
      entry.expect(false)
      this.#scheduler.schedule(entry)
    }
    this.#expected.clear()
    this.#number++
  }

  /** The stream has received everything before a position: forgets the marks of reads that ended there. */
  passed(receivedLsn: Lsn): void {
    this.#received = receivedLsn
    for (const entry of this.#marks.passed(receivedLsn)) {
      if (entry.read && entry.read.endLsn <= receivedLsn) this.#forget(entry)
    }
  }

  /** Returns true if the stream has passed the end of a read: before that it may still show which row has a code now. */
  isPassed(endLsn: Lsn): boolean {
    return this.#received !== null && endLsn <= this.#received
  }

  #mark(entry: Entry, { endLsn, containsLsn }: ReadRow): void {
    if (containsLsn != null) return
    if (this.isPassed(endLsn)) {
      entry.mark(null)
      return
    }
    for (const oldest of this.#marks.add({ entry, endLsn }))
      if (oldest.entry.read?.endLsn === oldest.endLsn) this.#forget(oldest.entry)
  }

  #forget(entry: Entry): void {
    entry.mark(null)
    this.#scheduler.schedule(entry)
  }
}
