import { decimalOf, ExactNumber } from '../model/json/exact-number.ts'
import { jsonText } from '../model/json/json-text.ts'
import { type Attribute, attributes, isOfKind, type Patient } from '../model/patient/patient.ts'

/** Patient as `GET /v1/patients/{code}` returns it: attributes by name, of any type. */
export type FoundAttributes = Readonly<Record<string, unknown>>

/** Attributes that are compared. `unsubscribed_at` stands for being subscribed, which is sent as the presence of a plan. */
export type ComparedAttribute = Exclude<Attribute, 'code'> | 'unsubscribed_at'

/**
 * Returns the attributes in which mediQuo's patient differs from the one that was sent. It compares only what was sent. Of a patient
 * without a plan it compares only the unsubscription: whether the API keeps the old plan's name is not documented.
 */
export function differingAttributes(sent: Patient, found: FoundAttributes): ComparedAttribute[] {
  const differing: ComparedAttribute[] = []
  for (const attribute of attributes) {
    if (attribute === 'code' || sent[attribute] === undefined) continue
    if (canonical(attribute, sent[attribute]) !== canonical(attribute, found[attribute])) differing.push(attribute)
  }
  const hasEnded = plain(found.unsubscribed_at) !== null
  // A patient that has a plan is subscribed, though the API may keep the date of an earlier end.
  const isWrong = sent.plan === undefined ? !hasEnded : hasEnded && plain(found.plan) === null
  if (isWrong) differing.push('unsubscribed_at')
  return differing
}

function canonical(attribute: Attribute, value: unknown): string {
  const text = plain(value)
  if (isOfKind(attribute, 'date') && typeof text === 'string') return dayOf(text)
  // A blank locale has a documented default.
  if (isOfKind(attribute, 'locale')) return jsonText(text ?? 'es')
  return jsonText(text)
}

/** Returns the day of a date, which the API possibly returns with a time of day. */
function dayOf(text: string): string {
  return /^(\d{4}-\d\d-\d\d)(?:[T ]|$)/.exec(text)?.[1] ?? text
}

/**
 * Normalizes a value for changes that the API is allowed to make: spaces around a text, the order of keys, another notation of a number,
 * and blank values. Null, absent, an empty text and an empty object (a list in PHP) are all the same.
 */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return value.trim() || null
  if (typeof value === 'number' || value instanceof ExactNumber) return new ExactNumber(decimalOf(value))
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(plain)
  if (typeof value !== 'object' || value === null) return value ?? null
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, plain(item)])
  const present = entries.filter(([, item]) => item !== null)
  return present.length === 0 ? null : Object.fromEntries(present.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
