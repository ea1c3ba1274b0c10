import {
  type Attribute,
  attributes,
  genders,
  type Invalid,
  type InvalidReason,
  locales,
  type Mapped,
  type Patient,
  type PatientCode,
  patientCode,
} from '../model/patient/patient.ts'
import { isBlankText } from './blank-text.ts'
import { dayFault, isoDay } from './calendar.ts'
import { plainObject } from './meta.ts'
import { isSendable } from './sendable-text.ts'

/** What may become a Patient: attributes by name, of any type. */
export type Candidate = Readonly<Partial<Record<Attribute, unknown>>>

/** Codes are stored by the far end in a column of 255 characters, as Laravel makes them. */
const longestCode = 255

/** An attribute with its check, and whether a row without it is no patient. */
export interface AttributeRule {
  readonly attribute: Attribute
  readonly check: (value: unknown) => Checked
  readonly isRequired: boolean
}

/** Of every attribute, in the order of the API's documentation. */
export function rulesOf(required: readonly Attribute[]): readonly AttributeRule[] {
  return attributes.map((attribute) => ({
    attribute,
    check: checks[attribute],
    isRequired: required.includes(attribute) || attribute === 'code' || attribute === 'first_name',
  }))
}

/**
 * The project's own check: a Patient as the API takes it, or every reason why not. It is made attribute by attribute, in the
 * order of the rules. Blank optional attributes become null, a blank plan is left out.
 */
export class PatientDraft {
  readonly #patient: Record<string, unknown> = {}
  readonly #invalid: Invalid[] = []

  add({ attribute, check, isRequired }: AttributeRule, value: unknown): void {
    if (isBlank(value)) {
      if (isRequired) this.refuse(attribute, 'missing')
      else if (value !== undefined && attribute !== 'plan') this.#patient[attribute] = null
      return
    }
    const checked = check(value)
    if ('reason' in checked) this.refuse(attribute, checked.reason)
    else this.#patient[attribute] = checked.value
  }

  /** Nothing can be made of the attribute. */
  refuse(attribute: Attribute, reason: InvalidReason): void {
    this.#invalid.push({ attribute, reason })
  }

  finish(): Extract<Mapped, { kind: 'patient' | 'invalid' }> {
    const patient = this.#patient
    if (this.#invalid.length > 0) return { kind: 'invalid', code: codeOf(patient), invalid: this.#invalid }
    return { kind: 'patient', patient: narrowed(patient) }
  }
}

/** Checks a whole candidate. `noted` says why an attribute that is absent could not be made. */
export function validatePatient(
  candidate: Candidate,
  rules: readonly AttributeRule[],
  noted: readonly Invalid[] = [],
): ReturnType<PatientDraft['finish']> {
  const draft = new PatientDraft()
  for (const rule of rules) {
    const value = candidate[rule.attribute]
    const reason = value === undefined ? notedReason(noted, rule.attribute) : null
    if (reason === null) draft.add(rule, value)
    else draft.refuse(rule.attribute, reason)
  }
  return draft.finish()
}

/** The code of what did not become a patient, if that much of it is valid. */
export function codeOf(candidate: { readonly code?: unknown }): PatientCode | null {
  const checked = isBlank(candidate.code) ? null : checks.code(candidate.code)
  return checked !== null && 'value' in checked ? patientCode(String(checked.value)) : null
}

/** As the last part of a URL these mean another page: such a patient could never be read back. */
function isPathStep(value: unknown): boolean {
  return value === '.' || value === '..'
}

type Checked = { readonly value: unknown } | { readonly reason: InvalidReason }

const checks: Readonly<Record<Attribute, (value: unknown) => Checked>> = {
  code: (value) => {
    if (isTooLong(value)) return { reason: 'too long' }
    return isPathStep(value) ? { reason: 'unsupported characters' } : text(value)
  },
  first_name: text,
  last_name: text,
  gender: (value) => oneOf(genders, value),
  birth_date: date,
  email: text,
  plan: text,
  tax_id: text,
  phone: text,
  locale: (value) => oneOf(locales, value),
  meta: (value) => {
    const object = plainObject(value)
    return typeof object === 'string' ? { reason: object } : { value: object }
  },
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && isBlankText(value))
}

function notedReason(noted: readonly Invalid[], wanted: Attribute): InvalidReason | null {
  if (noted.length === 0) return null
  return noted.find(({ attribute }) => attribute === wanted)?.reason ?? null
}

/** Characters, not UTF-16 units, which only matter past the limit. */
function isTooLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > longestCode && [...value].length > longestCode
}

function text(value: unknown): Checked {
  if (typeof value !== 'string') return { reason: 'not text' }
  return isSendable(value) ? { value } : { reason: 'unsupported characters' }
}

function oneOf(allowed: readonly string[], value: unknown): Checked {
  if (typeof value !== 'string') return { reason: 'not text' }
  return allowed.includes(value) ? { value } : { reason: 'not one of the allowed values' }
}

function date(value: unknown): Checked {
  if (typeof value !== 'string') return { reason: 'not text' }
  const read = isoDay(value)
  if (read === null) return { reason: 'not a date' }
  const reason = dayFault(read.year, read.month, read.day)
  return reason === null ? { value } : { reason }
}

/** The one place where checked data becomes a Patient. */
function narrowed(checked: object): Patient {
  return checked as Patient
}
