import { z } from 'zod'
import { attributes } from '../../../model/patient/patient.ts'
import type { FieldError, SentPatient } from './validation.ts'

/** Rule for codes that the API never accepts, for an undocumented reason. */
export const rejectionRuleSchema = z.strictObject({
  codes: z.array(z.string()).min(1),
  status: z.union([z.literal(422), z.literal(500)]).default(422),
  /** Attribute that a 422 names. */
  attribute: z.enum(attributes).default('email'),
})
type RejectionRule = z.output<typeof rejectionRuleSchema>
export type RejectionRuleInput = z.input<typeof rejectionRuleSchema>

/** Result of the rules for a request: invalid fields for a 422, `failure` for a 500. */
type Rejection = { readonly kind: 'invalid'; readonly errors: readonly FieldError[] } | { readonly kind: 'failure' }

/** Active rules by code; a later rule for a code replaces the earlier one. */
export class RejectionRules {
  readonly #byCode = new Map<string, RejectionRule>()

  get list(): readonly RejectionRule[] {
    return [...new Set(this.#byCode.values())]
  }

  /** Adds a rule. @throws {z.ZodError} if it is invalid. */
  add(input: RejectionRuleInput): void {
    const rule = rejectionRuleSchema.parse(input)
    for (const code of rule.codes) this.#byCode.set(code, rule)
  }

  clear(): void {
    this.#byCode.clear()
  }

  /** Judges a request. The first code that causes a 500 decides; otherwise the result names every rejected patient. */
  judge(patients: readonly SentPatient[]): Rejection | null {
    if (this.#byCode.size === 0) return null
    const errors: FieldError[] = []
    for (const [index, patient] of patients.entries()) {
      const rule = this.#byCode.get(patient.code)
      if (rule === undefined) continue
      if (rule.status === 500) return { kind: 'failure' }
      errors.push(fieldError(index, rule.attribute))
    }
    return errors.length > 0 ? { kind: 'invalid', errors } : null
  }
}

/** Makes the rejection of one patient for one of its attributes. */
export function fieldError(index: number, attribute: string): FieldError {
  const path = `patients.${index}.${attribute}`
  return { index, path, message: `The selected ${path} is invalid.` }
}
