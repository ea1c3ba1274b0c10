import type { Invalid, PatientCode } from './patient.ts'
import type { Position } from './position.ts'
import type { RowKey } from './row.ts'
import type { Xid } from './visibility.ts'

/** Why a row was set aside. Closed: metrics, status and pages are total over it. */
export const deadLetterReasons = ['invalid', 'refused by the API', 'too large'] as const
export type DeadLetterReason = (typeof deadLetterReasons)[number]

/** A row set aside: reason, attribute paths and the API's status. It never holds a value of the row. */
export interface DeadLetter {
  readonly reason: DeadLetterReason
  readonly attributes: readonly (Invalid | { readonly attribute: string; readonly reason: string })[]
  readonly status: number | null
}

/**
 * What the state knows of a row. `fingerprint` is the keyed hash (hexadecimal) of the last accepted payload, null when
 * unknown; `removed` says that the last accepted word about the code was a removal. `position` and `xid` are those of the
 * newest streamed change contained in what was settled. `deadLetter`: a new one counts as one more refusal; `kept` is the one
 * that the state has, if it still has it.
 */
export interface StoredRow {
  readonly key: RowKey
  readonly code: PatientCode | null
  readonly fingerprint: string | null
  readonly removed: boolean
  readonly position: Position | null
  readonly xid: Xid | null
  readonly deadLetter: DeadLetter | 'kept' | null
}
