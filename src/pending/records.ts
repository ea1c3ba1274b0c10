import type { PatientCode } from '../model/patient/patient.ts'
import type { StoredRow } from '../model/progress/stored-row.ts'
import type { RowKey } from '../model/source/row.ts'
import type { Entry } from './entry/entry.ts'
import { codesNamedBy, codesOwnedBy, hasOnlySameCode } from './entry/record-codes.ts'

/** Row records in memory: those that are still to be stored, and the rows by the codes that their records name. */
export class Records {
  readonly #unrecorded = new Map<RowKey, StoredRow>()
  readonly #byCode = new Map<PatientCode, Set<Entry>>()

  /** Number of records that are still to be stored. */
  get unrecorded(): number {
    return this.#unrecorded.size
  }

  /** Takes the record that the store has of a row; null if it has none. */
  load(entry: Entry, row: StoredRow | null): void {
    entry.load(row)
    if (row) this.#index(entry, row)
  }

  /** Sets the record that the store is to have. */
  store(entry: Entry, row: StoredRow): void {
    const isIndexed = entry.stored && hasOnlySameCode(entry.stored, row)
    if (!isIndexed) this.#unindex(entry)
    entry.store(row)
    this.#unrecorded.set(row.key, row)
    if (!isIndexed) this.#index(entry, row)
  }

  /** A record is stored, unless a newer one has replaced it. */
  recorded(row: StoredRow): void {
    if (this.#unrecorded.get(row.key) === row) this.#unrecorded.delete(row.key)
  }

  /** Forgets a row of which nothing is to be stored. */
  forget(entry: Entry): void {
    this.#unindex(entry)
  }

  toRecord(): readonly StoredRow[] {
    return [...this.#unrecorded.values()]
  }

  /** Returns the other rows whose record names a code. */
  sharing(code: PatientCode, entry: Entry): readonly Entry[] {
    const entries = this.#byCode.get(code)
    // Fast path: most codes belong to one row.
    if (!entries || (entries.size === 1 && entries.has(entry))) return none
    return [...entries].filter((other) => other !== entry)
  }

  /** Returns true if another row was settled, or is about to be sent, with this code, and the store does not show it yet. */
  isCodeOwnedUnrecorded(code: PatientCode, exceptKey: RowKey): boolean {
    for (const { key, unrecorded } of this.#byCode.get(code) ?? none)
      if (key !== exceptKey && unrecorded && codesOwnedBy(unrecorded).includes(code)) return true
    return false
  }

  #index(entry: Entry, row: StoredRow): void {
    for (const code of codesNamedBy(row)) {
      const entries = this.#byCode.get(code)
      if (entries) entries.add(entry)
      else this.#byCode.set(code, new Set([entry]))
    }
  }

  #unindex(entry: Entry): void {
    if (!entry.stored) return
    for (const code of codesNamedBy(entry.stored)) {
      const entries = this.#byCode.get(code)
      entries?.delete(entry)
      if (entries?.size === 0) this.#byCode.delete(code)
    }
  }
}

const none: readonly Entry[] = []
