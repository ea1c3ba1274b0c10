import type { PatientCode } from '../model/patient/patient.ts'
import type { StoredRow } from '../model/progress/stored-row.ts'
import type { RowKey } from '../model/source/row.ts'

/** Row records that are still to be stored, by key and by the codes that they hold. */
export class UnrecordedRows {
  readonly #rows = new Map<RowKey, StoredRow>()
  readonly #holders = new Map<PatientCode, Set<RowKey>>()

  get size(): number {
    return this.#rows.size
  }

  set(row: StoredRow): void {
    this.#forget(row.key)
    this.#rows.set(row.key, row)
    for (const code of codesOwnedBy(row)) {
      const holders = this.#holders.get(code)
      if (holders) holders.add(row.key)
      else this.#holders.set(code, new Set([row.key]))
    }
  }

  /** Forgets a stored row, unless a newer one has replaced it. */
  recorded(row: StoredRow): void {
    if (this.#rows.get(row.key) === row) this.#forget(row.key)
  }

  all(): readonly StoredRow[] {
    return [...this.#rows.values()]
  }

  /** Returns true if another row was settled, or is about to be sent, with this code. */
  isCodeOwnedByOther(code: PatientCode, exceptKey: RowKey): boolean {
    const holders = this.#holders.get(code)
    return holders !== undefined && (holders.size > 1 || !holders.has(exceptKey))
  }

  #forget(key: RowKey): void {
    const row = this.#rows.get(key)
    if (!row) return
    this.#rows.delete(key)
    for (const code of codesOwnedBy(row)) {
      const holders = this.#holders.get(code)
      holders?.delete(key)
      if (holders?.size === 0) this.#holders.delete(code)
    }
  }
}

/**
 * Returns the codes that are a row's to unsubscribe or to keep: its code, the code that it will have once it is read, and, while it is
 * owed, its former codes. A read that the stream has not passed may have told that it gave one up: another row must not unsubscribe it
 * before the stream shows who has it.
 */
export function codesOwnedBy({ code, removed, owed, formerCodes }: StoredRow): PatientCode[] {
  const codes = [removed ? null : code, owed?.nextCode ?? null, ...(owed ? formerCodes : [])]
  return codes.filter((owned, at): owned is PatientCode => owned !== null && codes.indexOf(owned) === at)
}
