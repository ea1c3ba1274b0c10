import type { Invalid, PatientCode } from '../patient/patient.ts'
import type { Position } from '../source/position.ts'
import type { RowKey } from '../source/row.ts'
import type { Xid } from '../source/visibility.ts'

/** Why a row was rejected. Closed: metrics, status and pages are total over it. */
export const deadLetterReasons = ['invalid', 'refused by the API', 'too large'] as const
export type DeadLetterReason = (typeof deadLetterReasons)[number]

/** A rejected row: reason, attribute paths and the API's status. It never holds a value of the row. */
export interface DeadLetter {
  readonly reason: DeadLetterReason
  readonly attributes: readonly (Invalid | { readonly attribute: string; readonly reason: string })[]
  readonly status: number | null
}

/**
 * Why a row is to be read from the table again: its content did not fit into memory, its row is gone and its code must end, or
 * what was accepted of it may be overwritten by an older request.
 */
export const owedReasons = ['content', 'end', 'confirm'] as const
export type OwedReason = (typeof owedReasons)[number]

/** A row to be read again. */
export interface Owed {
  readonly reason: OwedReason
  /** The code that the row will have once it is read, where the change told it: another row must not unsubscribe it. */
  readonly nextCode: PatientCode | null
  /** Not to be read sooner than this after it was stored, milliseconds. 0 in a row that was loaded. */
  readonly delayMs: number
}

/**
 * What the state knows of a row. `fingerprint` is the keyed hash (hexadecimal) of the last accepted payload, null when
 * unknown; `removed` says that the last accepted word about the code was a removal. `position` and `xid` are those of the
 * newest streamed change contained in what was settled. `deadLetter`: a new one counts as one more refusal; `kept` is the one
 * that the state has, if it still has it. `formerCodes`: codes besides `code` that mediQuo may have of the row (MERGE rule 12),
 * usually none.
 *
 * A row with `owed` set was settled only by this durable note: its debt is paid, its position and xid are those of the newest
 * streamed change that is owed, and its fingerprint is null.
 */
export interface StoredRow {
  readonly key: RowKey
  readonly code: PatientCode | null
  readonly fingerprint: string | null
  readonly removed: boolean
  readonly position: Position | null
  readonly xid: Xid | null
  readonly deadLetter: DeadLetter | 'kept' | null
  readonly formerCodes: readonly PatientCode[]
  readonly owed: Owed | null
}
