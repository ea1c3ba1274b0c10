import { optionalAttributes, type Patient, type PatientCode } from '../model/patient/patient.ts'

export function isUnsubscribed(attributes: Readonly<Record<string, unknown>>): boolean {
  return typeof attributes.unsubscribed_at === 'string'
}

/**
 * Returns the full record to unsubscribe a code with: the API replaces a patient as a whole, and a partial record would erase the
 * rest. Null if the code is unsubscribed already, or the attributes are no record.
 */
export function recordToUnsubscribe(code: PatientCode, attributes: Readonly<Record<string, unknown>>): Patient | null {
  if (isUnsubscribed(attributes)) return null
  const { first_name } = attributes
  if (typeof first_name !== 'string') return null
  const rest = Object.fromEntries(
    optionalAttributes.flatMap((name) => (name in attributes ? [[name, attributes[name]]] : [])),
  )
  return { code, first_name, ...rest }
}
