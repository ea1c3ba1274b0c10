import { type Attribute, attributes, type Patient } from '../model/patient/patient.ts'

/** A patient as `GET /v1/patients/{code}` answers it: attributes by name, of any type. */
export type FoundAttributes = Readonly<Record<string, unknown>>

/** What may be found to differ. `unsubscribed_at` stands for being subscribed or not, which the presence of a plan says. */
export type ComparedAttribute = Exclude<Attribute, 'code'> | 'unsubscribed_at'

/**
 * The attributes by which mediQuo's patient is another than the one that was sent. Nothing that was not sent is compared, and
 * of a patient without a plan only that it is unsubscribed: whether the API keeps the old plan's name is not documented.
 */
export function differingAttributes(sent: Patient, found: FoundAttributes): ComparedAttribute[] {
  const differing: ComparedAttribute[] = []
  for (const attribute of attributes) {
    if (attribute === 'code' || sent[attribute] === undefined) continue
    if (canonical(attribute, sent[attribute]) !== canonical(attribute, found[attribute])) differing.push(attribute)
  }
  const isSubscribed = plain(found.unsubscribed_at) === null
  if (isSubscribed !== (sent.plan !== undefined)) differing.push('unsubscribed_at')
  return differing
}

function canonical(attribute: Attribute, value: unknown): string {
  const text = plain(value)
  if (attribute === 'birth_date' && typeof text === 'string') return dayOf(text)
  // The documented default of a locale that is blank.
  if (attribute === 'locale') return JSON.stringify(text ?? 'es')
  return JSON.stringify(text)
}

/** A date may come back with a time of day. */
function dayOf(text: string): string {
  return /^(\d{4}-\d\d-\d\d)(?:[T ]|$)/.exec(text)?.[1] ?? text
}

/**
 * A value without what the API may have taken off it, or put in order: spaces around a text, keys in another order, and blank
 * values, which are one whether they are null, absent, an empty text, or an empty object, which PHP makes a list of.
 */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return value.trim() || null
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(plain)
  if (typeof value !== 'object' || value === null) return value ?? null
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, plain(item)])
  const present = entries.filter(([, item]) => item !== null)
  return present.length === 0 ? null : Object.fromEntries(present.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
