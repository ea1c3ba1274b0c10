import type { PatientCode } from '../model/patient/patient.ts'
import type { RowKey } from '../model/source/row.ts'
import type { ComparedAttribute } from './compare.ts'

/** Results of comparing a row that has a patient. `pending`: it differs, and the connector has not finished with it. */
export const results = ['same', 'different', 'missing', 'pending'] as const
export type Result = (typeof results)[number]

/**
 * Verdict on a row: its code and the attributes' names, never a value. `not sendable`: it has no valid patient, or the API has rejected it.
 * `not compared`: the transform leaves it out, or the table no longer has it.
 */
export type RowVerdict =
  | { readonly kind: 'same' | 'missing'; readonly code: PatientCode }
  | {
      readonly kind: 'different' | 'pending'
      readonly code: PatientCode
      readonly attributes: readonly ComparedAttribute[]
    }
  | {
      readonly kind: 'not sendable'
      readonly key: RowKey
      readonly code: PatientCode | null
      readonly attributes: readonly string[]
    }
  | { readonly kind: 'not compared'; readonly code: PatientCode | null }
