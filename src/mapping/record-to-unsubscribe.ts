import { ExactNumber } from '../model/json/exact-number.ts'
import { parseExactly } from '../model/json/parse-exactly.ts'
import { type AttributeKind, kindOf, type Patient, type PatientCode } from '../model/patient/patient.ts'
import { isBlankText } from './text.ts'
import { rulesOf } from './validate.ts'

/** Attributes of a patient as `GET /v1/patients/{code}` returns them, of any type. */
type FoundAttributes = Readonly<Record<string, unknown>>

/** Returns true if the API has ended the subscription. A patient that has a plan is subscribed, even if it keeps an earlier date. */
export function isUnsubscribed({ plan, unsubscribed_at }: FoundAttributes): boolean {
  return isBlank(plan) && !isBlank(unsubscribed_at)
}

/**
 * Returns the full record to unsubscribe a code with: the API replaces a patient as a whole, and a partial record would erase the
 * rest. The API may return an attribute in a form that it does not accept: it is sent in the form of the Patient schema, or left out
 * if it has none. Without a usable first name the name is blank: the API refuses the record, which is then a dead letter. Null if
 * the code is unsubscribed already.
 */
export function recordToUnsubscribe(code: PatientCode, attributes: FoundAttributes): Patient | null {
  if (isUnsubscribed(attributes)) return null
  const first_name = asText(attributes.first_name)
  const record: Record<string, unknown> = {}
  for (const { attribute, check } of rules) {
    if (!Object.hasOwn(attributes, attribute)) continue
    const value = inSchema[kindOf[attribute]](attributes[attribute])
    const checked = isBlank(value) ? { value: null } : check(value)
    if ('value' in checked) record[attribute] = checked.value
  }
  return { code, first_name: typeof first_name === 'string' ? first_name : '', ...record }
}

/** A record without a plan unsubscribes. */
const rules = rulesOf([]).filter(({ attribute }) => !['code', 'first_name', 'plan'].includes(attribute))

/** Forms in which the API may return a value, turned into the form that it accepts. Anything else stays, and is checked. */
const inSchema: Readonly<Record<AttributeKind, (value: unknown) => unknown>> = {
  code: asText,
  text: asText,
  gender: inLowerCase,
  date: (value) => (typeof value === 'string' ? (dayPattern.exec(value.trim())?.[1] ?? value) : value),
  locale: inLowerCase,
  object: asObject,
}

/** A day that possibly has a time of day. */
const dayPattern = /^(\d{4}-\d\d-\d\d)(?:[T ].*)?$/

function asText(value: unknown): unknown {
  return typeof value === 'number' || value instanceof ExactNumber ? String(value) : value
}

function inLowerCase(value: unknown): unknown {
  return typeof value === 'string' ? value.trim().toLowerCase() : value
}

/** PHP has one empty value for lists and objects. A column that is not cast returns the JSON as text. */
function asObject(value: unknown): unknown {
  if (Array.isArray(value) && value.length === 0) return {}
  if (typeof value !== 'string' || isBlankText(value)) return value
  try {
    return asObject(parseExactly(value))
  } catch {
    return value
  }
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === false || (typeof value === 'string' && isBlankText(value))
}
