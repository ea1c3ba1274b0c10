import type { InvalidReason, PatientCode } from '../patient/patient.ts'
import type { RowKey } from '../source/row.ts'
import type { DeadLetterReason } from './stored-row.ts'

/** A dead letter as an operator sees it. `attempts`: number of times that it was refused or found invalid. */
export interface ListedDeadLetter {
  readonly reason: DeadLetterReason
  readonly status: number | null
  /** `reason` is one of ours, or null: the API's own words may quote the value. */
  readonly attributes: readonly { readonly attribute: string; readonly reason: InvalidReason | null }[]
  readonly key: RowKey
  readonly code: PatientCode | null
  readonly attempts: number
  readonly firstAt: Date
  readonly lastAt: Date
}

/** The dead letters for the status page: the number for each reason, and the newest of them. */
export interface DeadLetterOverview {
  readonly total: number
  readonly byReason: readonly { readonly reason: DeadLetterReason; readonly rows: number }[]
  readonly newest: readonly ListedDeadLetter[]
}

export const noDeadLetters: DeadLetterOverview = { total: 0, byReason: [], newest: [] }
