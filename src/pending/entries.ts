import type { PatientCode } from '../model/patient/patient.ts'
import type { BackfillDebt, BackfillDebts, Debts } from '../model/progress/debt.ts'
import type { StoredRow } from '../model/progress/stored-row.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { RowKey } from '../model/source/row.ts'
import { assertEntry } from './entry/assert-entry.ts'
import { Entry } from './entry/entry.ts'
import { codesNamedBy, codesTaken } from './entry/record-codes.ts'
import { isSameRow, owedAgain } from './entry/settled-row.ts'
import { codeOf, type Delivery, type Version, versionBytes } from './entry/version.ts'
import { Records } from './records.ts'
import { type Taken, TakenCodes } from './taken-codes.ts'

export interface EntriesOptions {
  readonly debts: Debts
  readonly backfillDebts: BackfillDebts
  /** R as stored. */
  readonly readLsn: Lsn | null
  /** Called when a row of which nothing waits is owed, because another row gave up a code of it. */
  readonly onOwed: () => void
  /** Returns true if a lost request of a code may still be applied. */
  readonly isLost: (code: PatientCode) => boolean
}

/** Rows in memory, the bytes that they occupy, and their settlements that are not stored yet. */
export class Entries {
  readonly #entries = new Map<RowKey, Entry>()
  readonly #records = new Records()
  readonly #taken = new TakenCodes()
  readonly #debts: Debts
  readonly #backfillDebts: BackfillDebts
  readonly #onOwed: () => void
  readonly #isLost: (code: PatientCode) => boolean
  #bytes = 0
  #readLsn: Lsn | null

  constructor({ debts, backfillDebts, readLsn, onOwed, isLost }: EntriesOptions) {
    this.#debts = debts
    this.#backfillDebts = backfillDebts
    this.#readLsn = readLsn
    this.#onOwed = onOwed
    this.#isLost = isLost
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
    return this.#records.unrecorded
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
    if (!entry.isDone || !this.#entries.delete(entry.key)) return
    this.#records.forget(entry)
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
    } else if (entry.isOutdated) this.readAgain(entry)
  }

  /** Has the content of the waiting version read from the table again. @returns false if it is not a patient. */
  readAgain(entry: Entry): boolean {
    const { waiting } = entry
    if (waiting?.content.kind !== 'patient') return false
    const content = { kind: 'incomplete', code: waiting.content.patient.code } as const
    // The replaced version hands over its debts.
    this.replace(entry, { ...waiting, content, bytes: versionBytes, debt: null, backfillDebt: null })
    return true
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

  /** Takes the record that the store has of a row; null if it has none. */
  load(entry: Entry, stored: StoredRow | null): void {
    this.#records.load(entry, stored)
  }

  /** Sets the record that the store is to have. */
  store(entry: Entry, row: StoredRow): void {
    const taken = codesTaken(entry.stored, row)
    this.#records.store(entry, row)
    for (const code of taken) this.take(entry, code)
  }

  /** Rule 12a: a row gives up a code. The rows that have it by the store become owed with the next write. */
  take(entry: Entry, code: PatientCode): void {
    const isInDoubt = this.isInDoubt(entry, code)
    const isAccepted = entry.acceptedCodes.includes(code)
    this.#taken.add(code, { isInDoubt, isAccepted })
    const accepted = isAccepted ? [code] : []
    for (const other of this.#records.sharing(code, entry)) this.oweAgain(other, { accepted, isInDoubt })
  }

  /** Returns true if a request of a row, or of any other row with the code, may still be applied. */
  isInDoubt({ unanswered }: Entry, code: PatientCode): boolean {
    return unanswered || this.#isLost(code)
  }

  /** A record was loaded: the store may not show yet that a code of it was taken from another row (rule 12a). */
  oweTaken(entry: Entry, row: StoredRow): void {
    if (this.#taken.isEmpty) return
    const taken = codesNamedBy(row).filter((named) => this.#taken.has(named))
    if (taken.length === 0) return
    const accepted = taken.filter((code) => this.#taken.isAccepted(code))
    this.oweAgain(entry, { accepted, isInDoubt: taken.some((code) => this.#taken.isInDoubt(code)) })
  }

  /**
   * Rule 12a: another row gave up a code of this row, so mediQuo may have that row's content. A version that waits is sent whatever it
   * contains; the version in flight does not count. @param given.accepted codes of which mediQuo has accepted something from the other row.
   * @param given.isInDoubt true if a request of it may still be applied.
   */
  oweAgain(entry: Entry, given: { readonly accepted: readonly PatientCode[]; readonly isInDoubt: boolean }): void {
    if (!entry.stored) return
    if (given.isInDoubt) entry.doubtAnswer()
    else entry.doubt()
    for (const code of given.accepted) entry.mayHave(code)
    if (entry.inFlight) entry.outdate()
    const row = owedAgain(entry, given.isInDoubt)
    if (row) this.store(entry, row)
    this.noteOwed(entry)
  }

  /** Has a row listed that is owed, unless something of it waits that settles it. */
  noteOwed({ waiting }: Entry): void {
    if (!waiting) this.#onOwed()
  }

  /** Returns true if another row was settled, or is about to be sent, with this code, and the store does not show it yet. */
  isCodeOwnedUnrecorded(code: PatientCode, exceptKey: RowKey): boolean {
    return this.#records.isCodeOwnedUnrecorded(code, exceptKey)
  }

  toRecord(): readonly StoredRow[] {
    return this.#records.toRecord()
  }

  /** Returns the codes that the rows of the next write take from their rows. */
  takenCodes(): Taken {
    return this.#taken.toRecord()
  }

  /** These rows are stored. @param owed rows that the same write made owed. A load that is under way may not show it. */
  recorded(rows: readonly StoredRow[], owed: readonly RowKey[]): void {
    this.#taken.recorded()
    for (const key of owed) {
      const entry = this.#entries.get(key)
      if (entry?.stored === undefined) entry?.outdate()
    }
    for (const row of rows) {
      this.#records.recorded(row)
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
