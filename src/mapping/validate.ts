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
} from '../model/patient.ts'
import { dayFault, isoDay } from './calendar.ts'
import { plainObject } from './meta.ts'
import { isSendable } from './sendable-text.ts'

/** What may become a Patient: attributes by name, of any type. */
export type Candidate = Readonly<Partial<Record<Attribute, unknown>>>

/** Codes are stored by the far end in a column of 255 characters, as Laravel makes them. */
const longestCode = 255

/**
 * The project's own check: a Patient as the API takes it, attributes in their order, or every reason why not. Blank optional
 * attributes become null, a blank plan is left out. `noted` says why an attribute that is absent could not be made.
 */
export function validatePatient(
  candidate: Candidate,
  required: readonly Attribute[],
  noted: readonly Invalid[] = [],
): Extract<Mapped, { kind: 'patient' | 'invalid' }> {
  const patient: Record<string, unknown> = {}
  const invalid: Invalid[] = []
  for (const attribute of attributes) {
    const value = candidate[attribute]
    const reason = value === undefined ? notedReason(noted, attribute) : null
    if (reason !== null) invalid.push({ attribute, reason })
    else if (isBlank(value)) {
      if (required.includes(attribute) || attribute === 'code' || attribute === 'first_name') {
        invalid.push({ attribute, reason: 'missing' })
      } else if (value !== undefined && attribute !== 'plan') patient[attribute] = null
    } else {
      const checked = checks[attribute](value)
      if ('reason' in checked) invalid.push({ attribute, reason: checked.reason })
      else patient[attribute] = checked.value
    }
  }
  if (invalid.length > 0) return { kind: 'invalid', code: codeOf(patient), invalid }
  return { kind: 'patient', patient: narrowed(patient) }
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
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
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
