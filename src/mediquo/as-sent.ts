import type { Patient } from '../model/patient.ts'

/**
 * Whether what the API answers for a patient is what was sent: blank is absent, texts are compared trimmed, and a patient
 * without a plan is unsubscribed. Attributes that were not sent are not compared.
 */
export function isAsSent(patient: Patient, attributes: Readonly<Record<string, unknown>>): boolean {
  const { plan, ...sent } = patient
  const isSubscribed = attributes.unsubscribed_at === null || attributes.unsubscribed_at === undefined
  if (plan === undefined ? isSubscribed : !isSubscribed || plain(attributes.plan) !== plain(plan)) return false
  return Object.entries(sent).every(([name, value]) => plain(attributes[name]) === plain(value))
}

/** A value in the form in which two are compared: whatever the order of an object's members. */
function plain(value: unknown): string | null {
  if (value === null || value === undefined || value === '') return null
  if (typeof value === 'string') return value.trim() || null
  if (Array.isArray(value)) return `[${value.map((item) => plain(item)).join()}]`
  if (typeof value !== 'object') return JSON.stringify(value)
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(members.map(([name, member]) => [name, plain(member)]))
}
