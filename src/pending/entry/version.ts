import type { CodeEnd } from '../../model/patient/code-end.ts'
import type { Invalid, Patient, PatientCode } from '../../model/patient/patient.ts'
import type { BackfillDebt, Debt } from '../../model/progress/debt.ts'
import type { Lane } from '../../model/progress/lane.ts'
import type { Lsn } from '../../model/source/lsn.ts'
import type { Position } from '../../model/source/position.ts'
import type { RowKey } from '../../model/source/row.ts'
import type { Snapshot, Xid } from '../../model/source/visibility.ts'

/**
 * Content of a version. `removed`: deleted or left out; its patient is known only from a full old row. `incomplete`: the content
 * must be read from the table; the code is present if the change told it.
 */
export type Content =
  | { readonly kind: 'patient'; readonly patient: Patient }
  | { readonly kind: 'removed'; readonly code: PatientCode | null; readonly patient: Patient | null }
  | { readonly kind: 'invalid'; readonly code: PatientCode | null; readonly invalid: readonly Invalid[] }
  | { readonly kind: 'incomplete'; readonly code: PatientCode | null }

/**
 * A version of a row that waits or is in flight. A version of a read has the label of the newest streamed change that the read
 * contains.
 */
export interface Version {
  content: Content
  /** Origin of the version. An end that both reported has the origin `stream`. */
  origin: 'stream' | 'read'
  readonly lane: Lane
  readonly committedAtMs: number
  readonly bytes: number
  /** The read that returned it; null if it came from the stream. */
  readonly read: MergedRead | null
  position: Position | null
  xid: Xid | null
  debt: Debt | null
  backfillDebt: BackfillDebt | null
}

/** Bytes that a version occupies in addition to its payload. */
export const versionBytes = 900

/** A change of one row from the stream, mapped. `bytes`: memory that its version occupies. */
export interface StreamedChange {
  readonly key: RowKey
  readonly position: Position
  readonly xid: Xid
  readonly committedAtMs: number
  readonly content: Content
  readonly bytes: number
}

/** A row that a table read returned, or did not find (`removed`). `endLsn`: the WAL insert position taken after the snapshot. */
export interface ReadRow {
  readonly key: RowKey
  readonly content: Content
  readonly snapshot: Snapshot
  readonly endLsn: Lsn
  /**
   * On a standby, where the stream has passed the read: it contains every commit before this position, and possibly some of those
   * up to `endLsn`. Null: the snapshot tells what it contains.
   */
  readonly containsLsn?: Lsn | null
  readonly readAtMs: number
  readonly lane: Lane
  readonly bytes: number
  readonly backfillDebt: BackfillDebt | null
}

/** A table read that was merged. `number` counts the reads: they are merged one after another, in the order of their snapshots. */
export interface MergedRead {
  readonly number: number
  readonly snapshot: Snapshot
  readonly endLsn: Lsn
}

/** Way to unsubscribe a code, for one code. */
export type Removal = CodeEnd & { readonly code: PatientCode }

/** Reason why a patient is sent: a row's present state, the end of a row, or the end of a former code of a row. */
export type Purpose = 'upsert' | 'remove' | 'unsubscribe code'

/** One patient of a request: the row, what is sent for it, and the reason. */
export interface Delivery {
  readonly key: RowKey
  readonly code: PatientCode
  readonly patient: Patient
  readonly purpose: Purpose
  readonly version: Version
}

/** Returns the code of a version, null if it is not known. */
export function codeOf(content: Content): PatientCode | null {
  return content.kind === 'patient' ? content.patient.code : content.code
}

export function isEnd(content: Content): boolean {
  return content.kind === 'removed'
}
