import type { Invalid, PatientCode } from '../patient/patient.ts'
import type { Position } from '../source/position.ts'
import type { RowKey } from '../source/row.ts'
import type { Xid } from '../source/visibility.ts'

/** Reasons why a row was rejected. The list is closed: metrics, status and pages are total over it. */
export const deadLetterReasons = ['invalid', 'refused by the API', 'too large', 'cannot be unsubscribed'] as const
export type DeadLetterReason = (typeof deadLetterReasons)[number]

/** A rejected row: reason, attribute paths and the API's status. It never contains a value of the row. */
export interface DeadLetter {
  readonly reason: DeadLetterReason
  readonly attributes: readonly (Invalid | { readonly attribute: string; readonly reason: string })[]
  readonly status: number | null
  /** The former code that the API refuses to unsubscribe; absent if the row itself was rejected. */
  readonly formerCode?: PatientCode
}

/** Returns true if the row itself was rejected, not only the end of a former code. */
export function isRejected({ deadLetter }: Pick<StoredRow, 'deadLetter'>): boolean {
  return deadLetter === 'kept' || (deadLetter !== null && deadLetter.formerCode === undefined)
}

/**
 * Reasons why a row is to be read from the table again: its content did not fit into memory or another row gave up its code (`content`),
 * a code of it must be unsubscribed (`end`), or a request of it, of which the answer is not known, may be applied later (`confirm`,
 * `confirm end`).
 */
export const owedReasons = ['content', 'end', 'confirm', 'confirm end'] as const
export type OwedReason = (typeof owedReasons)[number]

/** Reason of the same row once a request of it is about to be sent, or was not answered. */
export const toConfirmReason: Readonly<Record<OwedReason, OwedReason>> = {
  content: 'confirm',
  end: 'confirm end',
  confirm: 'confirm',
  'confirm end': 'confirm end',
}

/** Returns true if a request of the row may still be applied after what was accepted of it. */
export function isToConfirm(owed: Owed | null): boolean {
  return owed !== null && toConfirmReason[owed.reason] === owed.reason
}

/** Returns the same for a row of which a request is about to be sent, or was not answered. */
export function toConfirm(owed: Owed): Owed {
  return isToConfirm(owed) ? owed : { ...owed, reason: toConfirmReason[owed.reason] }
}

/** A row to be read again. */
export interface Owed {
  readonly reason: OwedReason
  /** The code that the row will have once it is read, if the change told it: another row must not unsubscribe it. */
  readonly nextCode: PatientCode | null
  /** Delay after it was stored before it may be read, milliseconds. 0 in a row that was loaded. */
  readonly delayMs: number
  /** Time since the patient of a code to unsubscribe was first looked for in vain, milliseconds; absent if it was not (rule 20). */
  readonly soughtForMs?: number
}

/**
 * The row record: what the store knows of a row.
 * - `fingerprint`: keyed hash (hexadecimal) of the last accepted payload, null if unknown.
 * - `removed`: true if the last accepted request for the code was a removal.
 * - `position`, `xid`: the newest streamed change contained in what was settled.
 * - `deadLetter`: a new one counts as one more refusal; `kept` is the stored one, if it still exists.
 * - `formerCodes`: codes other than `code` that mediQuo may have of the row (rule 12), usually none.
 * - `unacceptedCodes`: those of its codes of which mediQuo has accepted nothing from the row (rule 20), usually none.
 *
 * A row with `owed` set was settled only by this durable note: its debt is settled, its position and xid are those of the newest
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
  readonly unacceptedCodes: readonly PatientCode[]
  readonly owed: Owed | null
}
