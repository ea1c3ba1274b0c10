import type { Claim, Claims, Debts } from '../model/debt.ts'
import type { PatientCode } from '../model/patient.ts'
import type { RowKey } from '../model/row.ts'
import type { StoredRow } from '../model/stored-row.ts'
import { isSameRow } from './settled-row.ts'
import { UnrecordedRows } from './unrecorded-rows.ts'
import { codeOf, type Entry, newEntry, type Version } from './version.ts'

/** The rows in memory, what they occupy, and which of their settlements are not stored yet. */
export class Entries {
  readonly #entries = new Map<RowKey, Entry>()
  readonly #unrecorded = new UnrecordedRows()
  readonly #debts: Debts
  readonly #claims: Claims
  #bytes = 0

  constructor({ debts, claims }: { readonly debts: Debts; readonly claims: Claims }) {
    this.#debts = debts
    this.#claims = claims
  }

  /** What the versions that wait or are in flight occupy. */
  get bytes(): number {
    return this.#bytes
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
    const entry = newEntry(key)
    this.#entries.set(key, entry)
    return entry
  }

  /** Forgets a row of which nothing waits, is in flight, or is still to be stored. */
  forgetIfDone(entry: Entry): void {
    if (entry.waiting || entry.inFlight || entry.read || entry.expected || entry.unrecorded) return
    if (entry.unconfirmed.length > 0) return
    this.#entries.delete(entry.key)
  }

  /** Newest wins: the version takes the waiting one's place and its debts. */
  replace(entry: Entry, version: Version): void {
    if (entry.waiting) {
      this.#bytes -= entry.waiting.bytes
      version.debt = this.#debts.join(entry.waiting.debt, version.debt)
      version.claim = this.#claims.join(entry.waiting.claim, version.claim)
      rememberCode(entry, entry.waiting, version)
    }
    entry.waiting = version
    this.#bytes += version.bytes
  }

  /** A version that was not delivered waits again; if a newer one does already, that one takes over its debts. */
  putBack(entry: Entry, version: Version): void {
    if (entry.waiting) {
      this.#bytes -= version.bytes
      entry.waiting.debt = this.#debts.join(version.debt, entry.waiting.debt)
      entry.waiting.claim = this.#claims.join(version.claim, entry.waiting.claim)
      rememberCode(entry, version, entry.waiting)
    } else {
      entry.waiting = version
    }
  }

  /** A version is done with. `row` is what the state shall say from now on, null if it says so already. */
  settle(entry: Entry, version: Version, row: StoredRow | null): void {
    this.#bytes -= version.bytes
    if (row && !isSameRow(row, entry.stored)) this.store(entry, row)
    if (!entry.waiting) entry.formerCodes = []
    if (version.debt) this.#debts.settle(version.debt)
    if (version.claim) this.#claims.settle(version.claim)
  }

  /** Rule 6: a read that leaves nothing behind. Its claim waits for what is on its way, or is done. */
  claim(entry: Entry, claim: Claim | null): void {
    const holder = entry.waiting ?? entry.inFlight
    if (holder) holder.claim = this.#claims.join(holder.claim, claim)
    else if (claim) this.#claims.settle(claim)
  }

  store(entry: Entry, row: StoredRow): void {
    entry.stored = row
    entry.unrecorded = row
    this.#unrecorded.set(row)
  }

  /** Whether another row was settled, or is about to be sent, with this code, and the state cannot tell so yet. */
  isHeldUnrecorded(code: PatientCode, exceptKey: RowKey): boolean {
    return this.#unrecorded.isHeld(code, exceptKey)
  }

  toRecord(): readonly StoredRow[] {
    return this.#unrecorded.all()
  }

  recorded(rows: readonly StoredRow[]): void {
    for (const row of rows) {
      this.#unrecorded.recorded(row)
      const entry = this.#entries.get(row.key)
      if (entry?.unrecorded !== row) continue
      entry.unrecorded = null
      this.forgetIfDone(entry)
    }
  }
}

/** A row may change its code before the old one was sent, or its answer came: mediQuo may have that one all the same. */
function rememberCode(entry: Entry, older: Version, newer: Version): void {
  const code = codeOf(older.content)
  if (code === null || code === codeOf(newer.content) || entry.formerCodes.includes(code)) return
  entry.formerCodes = [...entry.formerCodes, code]
}
