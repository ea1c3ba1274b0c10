import type { PatientCode } from '../model/patient/patient.ts'
import type { BackfillDebt, BackfillDebts, Debts } from '../model/progress/debt.ts'
import type { StoredRow } from '../model/progress/stored-row.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { RowKey } from '../model/source/row.ts'
import { assertEntry } from './entry/assert-entry.ts'
import { Entry } from './entry/entry.ts'
import { isSameRow } from './entry/settled-row.ts'
import { codeOf, type Delivery, type Version } from './entry/version.ts'
import { UnrecordedRows } from './unrecorded-rows.ts'

export interface EntriesOptions {
  readonly debts: Debts
  readonly backfillDebts: BackfillDebts
  /** R as stored. */
  readonly readLsn: Lsn | null
}

/** Rows in memory, the bytes that they occupy, and their settlements that are not stored yet. */
export class Entries {
  readonly #entries = new Map<RowKey, Entry>()
  readonly #unrecorded = new UnrecordedRows()
  readonly #debts: Debts
  readonly #backfillDebts: BackfillDebts
  #bytes = 0
  #readLsn: Lsn | null

  constructor({ debts, backfillDebts, readLsn }: EntriesOptions) {
    this.#debts = debts
    this.#backfillDebts = backfillDebts
    this.#readLsn = readLsn
  }

  /** Number of rows in memory. */
  get size(): number {
    return this.#entries.size
  }
  /** Bytes of the versions that wait, are in flight or are to be read back. */
  get bytes(): number {
    return this.#bytes
  }
  /** R: no read that was sent or settled ended later. */
  get readLsn(): Lsn | null {
    return this.#readLsn
  }
  get unrecorded(): number {
    return this.#unrecorded.size
  }

  find(key: RowKey): Entry | undefined {
    return this.#entries.get(key)
  }

  all(): Entry[] {
    return [...this.#entries.values()]
  }

  open(key: RowKey): Entry {
    const found = this.#entries.get(key)
    if (found) return found
    const entry = new Entry(key)
    this.#entries.set(key, entry)
    return entry
  }

  /** Forgets a row of which nothing waits, is in flight, or is still to be stored. */
  forgetIfDone(entry: Entry): void {
    if (entry.isDone) this.#entries.delete(entry.key)
  }

  /** Replaces the waiting version by a newer one, which takes over its debts. */
  replace(entry: Entry, version: Version): void {
    const older = entry.waiting
    if (older) {
      this.#bytes -= older.bytes
      version.debt = this.#debts.join(older.debt, version.debt)
      version.backfillDebt = this.#backfillDebts.join(older.backfillDebt, version.backfillDebt)
      rememberCode(entry, older, version)
    }
    entry.arrive(version)
    this.#bytes += version.bytes
  }

  /** Lets a version that was not delivered wait again. If a newer one already waits, that one takes over its debts. */
  putBack(entry: Entry, version: Version): void {
    const newer = entry.waiting
    if (!entry.putBack() && newer) {
      this.#bytes -= version.bytes
      newer.debt = this.#debts.join(version.debt, newer.debt)
      newer.backfillDebt = this.#backfillDebts.join(version.backfillDebt, newer.backfillDebt)
      rememberCode(entry, version, newer)
    }
  }

  /** Ends the waiting version without a request. `row`: record that the store is to have; null if it has it already. */
  settle(entry: Entry, version: Version, row: StoredRow | null): void {
    entry.settle()
    this.#settled(entry, version, row)
  }

  /** Ends the version in flight. */
  clearInFlight(entry: Entry, version: Version, row: StoredRow | null): void {
    entry.clearInFlight()
    this.#settled(entry, version, row)
  }

  #settled(entry: Entry, version: Version, row: StoredRow | null): void {
    this.#bytes -= version.bytes
    if (version.read) this.raiseReadLsn(version.read.endLsn)
    if (row && !isSameRow(row, entry.stored)) this.store(entry, row)
    if (!entry.waiting) entry.forgetCodes()
    if (version.debt) this.#debts.settle(version.debt)
    if (version.backfillDebt) this.#backfillDebts.settle(version.backfillDebt)
  }

  /** Raises R to the end of a read whose version is sent or settled. */
  raiseReadLsn(endLsn: Lsn): void {
    if (this.#readLsn === null || endLsn > this.#readLsn) this.#readLsn = endLsn
  }

  /** Rule 6: a read that leaves nothing behind. Its backfill debt passes to the version that waits or is in flight, or is settled. */
  handOverBackfillDebt(entry: Entry, backfillDebt: BackfillDebt | null): void {
    const holder = entry.waiting ?? entry.inFlight
    if (holder) holder.backfillDebt = this.#backfillDebts.join(holder.backfillDebt, backfillDebt)
    else if (backfillDebt) this.#backfillDebts.settle(backfillDebt)
  }

  /** Keeps an accepted delivery in memory until it is read back. */
  watch(entry: Entry, delivery: Delivery): void {
    entry.watch(delivery)
    this.#bytes += delivery.version.bytes
  }
  unwatch(entry: Entry, delivery: Delivery): void {
    if (!entry.unconfirmed.includes(delivery)) return
    entry.unwatch(delivery)
    this.#bytes -= delivery.version.bytes
  }

  store(entry: Entry, row: StoredRow): void {
    entry.store(row)
    this.#unrecorded.set(row)
  }

  /** Returns true if another row was settled, or is about to be sent, with this code, and the store does not show it yet. */
  isCodeOwnedUnrecorded(code: PatientCode, exceptKey: RowKey): boolean {
    return this.#unrecorded.isCodeOwnedByOther(code, exceptKey)
  }

  toRecord(): readonly StoredRow[] {
    return this.#unrecorded.all()
  }

  recorded(rows: readonly StoredRow[]): void {
    for (const row of rows) {
      this.#unrecorded.recorded(row)
      const entry = this.#entries.get(row.key)
      if (entry?.unrecorded !== row) continue
      entry.recorded(row)
      this.forgetIfDone(entry)
    }
  }

  /** Checks each entry, and the counted bytes. @throws {Error} */
  assert(): void {
    let bytes = 0
    for (const entry of this.#entries.values()) {
      assertEntry(entry)
      if (entry.isDone) throw new Error(`entry ${entry.key} is done and was not forgotten`)
      bytes += (entry.waiting?.bytes ?? 0) + (entry.inFlight?.bytes ?? 0)
      for (const { version } of entry.unconfirmed) bytes += version.bytes
    }
    if (bytes !== this.#bytes) throw new Error(`${this.#bytes} bytes are counted, ${bytes} are there`)
  }
}

/** Remembers the old code of a row that changed its code before the old version was sent or answered: mediQuo may have it. */
function rememberCode(entry: Entry, older: Version, newer: Version): void {
  const code = codeOf(older.content)
  if (code !== null && code !== codeOf(newer.content)) entry.remember(code)
}
