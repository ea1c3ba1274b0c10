import { sql } from 'drizzle-orm'
import type { PatientCode } from '../../model/patient/patient.ts'
import type { StoredRow } from '../../model/progress/stored-row.ts'
import type { StateDatabase } from './state-database.ts'
import { delivery } from './tables.ts'

/** Maximum number of codes kept: those recorded since the last look, and those known to be shared. */
const maxKept = 5_000

/**
 * Codes that several rows have at the same time: mediQuo has one patient for each code, that of the row that changed last. Rows
 * that swap their codes share them for a moment, so that a code counts only when it is found twice.
 */
export class SharedCodes {
  readonly #db: StateDatabase
  readonly #recent = new Set<PatientCode>()
  #found = new Set<PatientCode>()
  #shared = new Set<PatientCode>()
  #alike = 0

  constructor(db: StateDatabase) {
    this.#db = db
  }

  /** Number of shared codes, of those that changed since the start. */
  get count(): number {
    return this.#shared.size
  }

  /** Number of codes that mediQuo has in a form which is the code of another row: both rows are one patient there. */
  get alike(): number {
    return this.#alike
  }

  /** Notes the codes of stored rows. */
  recorded(rows: readonly StoredRow[]): void {
    for (const { code, removed } of rows)
      if (code !== null && !removed && this.#recent.size < maxKept) this.#recent.add(code)
  }

  /** Counts the codes whose form at mediQuo is the code of another row. @param forms codes as they are sent, and as mediQuo has them. */
  async lookForAlike(forms: readonly (readonly [sent: PatientCode, stored: PatientCode])[]): Promise<void> {
    if (forms.length === 0) {
      this.#alike = 0
      return
    }
    const [sent, stored] = [forms.map(([code]) => code), forms.map(([, code]) => code)]
    const isCode = (name: 'sent' | 'stored') =>
      sql`exists (select from ${delivery} where ${delivery.code} = form.${sql.raw(name)} and not ${delivery.removed})`
    const { rows } = await this.#db.execute<{ alike: string }>(sql`
      select count(*) as alike from unnest(${sql.param(sent)}::text[], ${sql.param(stored)}::text[]) as form (sent, stored)
      where ${isCode('sent')} and ${isCode('stored')}`)
    this.#alike = Number(rows[0]?.alike ?? 0)
  }

  /** Queries the store. @returns the codes that are newly known to be shared. */
  async look(): Promise<PatientCode[]> {
    const candidates = new Set([...this.#recent, ...this.#found])
    if (candidates.size === 0) return []
    this.#recent.clear()
    const { rows } = await this.#db.execute<{ code: PatientCode }>(sql`
      select ${delivery.code} as code from ${delivery}
      where ${delivery.code} = any(${sql.param([...candidates])}) and not ${delivery.removed}
      group by 1 having count(*) > 1 limit ${maxKept}`)
    const before = this.#found
    this.#found = new Set(rows.map(({ code }) => code))
    const shared = new Set([...this.#found].filter((code) => before.has(code)))
    const fresh = [...shared].filter((code) => !this.#shared.has(code))
    this.#shared = shared
    return fresh
  }
}
