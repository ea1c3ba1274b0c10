declare const codeBrand: unique symbol

/** The attributes of the API's Patient object, in the order of its documentation; the last four were added later. */
export const attributes = [
  'code',
  'first_name',
  'last_name',
  'gender',
  'birth_date',
  'email',
  'plan',
  'tax_id',
  'phone',
  'locale',
  'meta',
] as const
export type Attribute = (typeof attributes)[number]

/** The value that identifies a patient at mediQuo. */
export type PatientCode = string & { readonly [codeBrand]: true }

export const genders = ['male', 'female'] as const
export const locales = ['de', 'en', 'es', 'pt'] as const

/**
 * A patient as it is sent. Mapped optional attributes that are blank are null, which clears them. Attributes that are not mapped
 * are left out. A blank `plan` is left out, which unsubscribes.
 */
export interface Patient {
  readonly code: PatientCode
  readonly first_name: string
  readonly last_name?: string | null
  readonly gender?: (typeof genders)[number] | null
  readonly birth_date?: string | null
  readonly email?: string | null
  readonly plan?: string
  readonly tax_id?: string | null
  readonly phone?: string | null
  readonly locale?: (typeof locales)[number] | null
  readonly meta?: Readonly<Record<string, unknown>> | null
}

/** Reasons why a row is not a valid Patient. The list is closed, so that metrics and pages can be total over it. */
export const invalidReasons = [
  'missing',
  'not text',
  'too long',
  'not one of the allowed values',
  'not a date',
  'date out of range',
  'not in the value table',
  'not an object',
  'transform failed',
  'unsupported characters',
] as const
export type InvalidReason = (typeof invalidReasons)[number]

/** An attribute and what is wrong with it; never its value. */
export interface Invalid {
  readonly attribute: Attribute | 'transform'
  readonly reason: InvalidReason
}

/** Result of mapping a row. */
export type Mapped =
  | { readonly kind: 'patient'; readonly patient: Patient }
  | { readonly kind: 'invalid'; readonly code: PatientCode | null; readonly invalid: readonly Invalid[] }
  | { readonly kind: 'left out'; readonly code: PatientCode | null }
  | { readonly kind: 'incomplete'; readonly columns: readonly string[] }

export function patientCode(text: string): PatientCode {
  return text as PatientCode
}
