import {
  type Attribute,
  type AttributeKind,
  attributes,
  genders,
  type Invalid,
  type InvalidReason,
  kindOf,
  locales,
  type Mapped,
  type Patient,
  type PatientCode,
  patientCode,
} from '../model/patient/patient.ts'
import { dayFault, isoDay } from './calendar.ts'
import { plainObject } from './meta.ts'
import { isBlankText, isSendable } from './text.ts'

/** Candidate for a Patient: attributes by name, of any type. */
export type Candidate = Readonly<Partial<Record<Attribute, unknown>>>

/** Maximum length of a code: 255 characters, the default column length of Laravel. */
const longestCode = 255

/** Attribute with its check. `isRequired`: a row without it is no patient. */
export interface AttributeRule {
  readonly attribute: Attribute
  readonly check: (value: unknown) => Checked
  readonly isRequired: boolean
}

/** Returns the rules of all attributes, in the order of the API's documentation. */
export function rulesOf(required: readonly Attribute[]): readonly AttributeRule[] {
  return attributes.map((attribute) => ({
    attribute,
    check: checks[kindOf[attribute]],
    isRequired: required.includes(attribute) || attribute === 'code' || attribute === 'first_name',
  }))
}

/**
 * Builds a Patient as the API accepts it, or collects every reason against it. Attributes are added one by one, in the order of the rules.
 * Blank optional attributes become null; a blank plan is left out.
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

  /** Records that an attribute has no valid value. */
  refuse(attribute: Attribute, reason: InvalidReason): void {
    this.#invalid.push({ attribute, reason })
  }

  finish(): Extract<Mapped, { kind: 'patient' | 'invalid' }> {
    const patient = this.#patient
    if (this.#invalid.length > 0) return { kind: 'invalid', code: codeOf(patient), invalid: this.#invalid }
    return { kind: 'patient', patient: narrowed(patient) }
  }
}

/** Checks a whole candidate. `noted` has the reasons why absent attributes could not be read. */
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

/** Returns the code of a row that is no valid patient, if the code is valid. */
export function codeOf(candidate: { readonly code?: unknown }): PatientCode | null {
  const checked = isBlank(candidate.code) ? null : checks.code(candidate.code)
  return checked !== null && 'value' in checked ? patientCode(String(checked.value)) : null
}

/** Returns true for path segments that a URL resolves to another page: such a patient could never be read back. */
function isPathStep(value: unknown): boolean {
  return value === '.' || value === '..'
}

type Checked = { readonly value: unknown } | { readonly reason: InvalidReason }

const checks: Readonly<Record<AttributeKind, (value: unknown) => Checked>> = {
  code: (value) => {
    if (isTooLong(value)) return { reason: 'too long' }
    return isPathStep(value) ? { reason: 'unsupported characters' } : text(value)
  },
  text,
  gender: (value) => oneOf(genders, value),
  date,
  locale: (value) => oneOf(locales, value),
  object: (value) => {
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

/** Counts characters, not UTF-16 units, if the length is over the limit. */
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

/** Turns checked data into a Patient, in this one place. */
function narrowed(checked: object): Patient {
  return checked as Patient
}
