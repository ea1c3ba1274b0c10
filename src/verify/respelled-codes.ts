import type { PatientCode } from '../model/patient/patient.ts'
import { codeInAnswer, type Respelling, respellings, respellingsBetween } from '../model/patient/spelling.ts'

/** Maximum number of codes kept. */
const maxKept = 1_000

interface Respelled {
  readonly stored: PatientCode
  readonly differences: readonly Respelling[]
}

/**
 * Codes that mediQuo returns in another form than they were sent. Rows whose codes differ only in such a form are one patient there, and
 * mediQuo has the row that changed last.
 */
export class RespelledCodes {
  readonly #codes = new Map<PatientCode, Respelled>()

  /** Notes the code of an answer. @param sent the code that was asked for. */
  seen(sent: PatientCode, answered: unknown): void {
    const stored = codeInAnswer(answered)
    const differences = stored && respellingsBetween(sent, stored)
    if (stored === null || differences === null) return
    this.#codes.delete(sent)
    if (differences.length > 0 && this.#codes.size < maxKept) this.#codes.set(sent, { stored, differences })
  }

  /** Number of codes, at most 1,000, and in what they differ; null if mediQuo returns every code as it was sent. */
  get found(): { readonly codes: number; readonly differences: readonly Respelling[] } | null {
    if (this.#codes.size === 0) return null
    const all = new Set([...this.#codes.values()].flatMap(({ differences }) => differences))
    return { codes: this.#codes.size, differences: respellings.filter((respelling) => all.has(respelling)) }
  }

  /** Codes as they are sent, and as mediQuo has them. */
  get forms(): readonly (readonly [sent: PatientCode, stored: PatientCode])[] {
    return [...this.#codes].map(([sent, { stored }]) => [sent, stored])
  }
}
