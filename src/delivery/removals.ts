import type { CodeEnd } from '../model/code-end.ts'
import type { Patient, PatientCode } from '../model/patient.ts'
import type { RowKey } from '../model/row.ts'

/** A code that is to end, and its patient if a full old row told it. */
export interface EndingCode {
  readonly key: RowKey
  readonly code: PatientCode
  readonly patient: Patient | null
}

export type ReadBack =
  | { readonly kind: 'patient'; readonly attributes: Readonly<Record<string, unknown>> }
  | { readonly kind: 'absent' }
  | { readonly kind: 'not now' }

export interface RemovalOptions {
  /** Whether another row has the code by now. */
  readonly isHeld: (code: PatientCode, key: RowKey) => Promise<boolean>
  readonly get: (code: PatientCode) => Promise<ReadBack>
}

/**
 * The full record with which a code is unsubscribed: the API replaces a patient whole, so a partial one would wipe the rest.
 * @returns undefined if it cannot be told now.
 */
export async function findRemoval(ending: EndingCode, options: RemovalOptions): Promise<CodeEnd | undefined> {
  if (await options.isHeld(ending.code, ending.key)) return { kind: 'left' }
  if (ending.patient) return { kind: 'send', patient: ending.patient }
  const found = await options.get(ending.code)
  if (found.kind === 'not now') return undefined
  const patient = found.kind === 'patient' ? unsubscribable(ending.code, found.attributes) : null
  return patient ? { kind: 'send', patient } : { kind: 'ended' }
}

export function isUnsubscribed(attributes: Readonly<Record<string, unknown>>): boolean {
  return typeof attributes.unsubscribed_at === 'string'
}

const kept = ['last_name', 'gender', 'birth_date', 'email', 'tax_id', 'phone', 'locale', 'meta'] as const

function unsubscribable(code: PatientCode, attributes: Readonly<Record<string, unknown>>): Patient | null {
  if (isUnsubscribed(attributes)) return null
  const { first_name } = attributes
  if (typeof first_name !== 'string') return null
  const rest = Object.fromEntries(kept.flatMap((name) => (name in attributes ? [[name, attributes[name]]] : [])))
  return { code, first_name, ...rest }
}
