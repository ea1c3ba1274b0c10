import type { CodeEnd } from '../../model/patient/code-end.ts'
import type { Invalid, Patient, PatientCode } from '../../model/patient/patient.ts'
import type { Claim, Debt } from '../../model/progress/debt.ts'
import type { Lane } from '../../model/progress/lane.ts'
import type { Lsn } from '../../model/source/lsn.ts'
import type { Position } from '../../model/source/position.ts'
import type { RowKey } from '../../model/source/row.ts'
import type { Snapshot, Xid } from '../../model/source/visibility.ts'

/**
 * What one version of a row says. `removed`: deleted or left out; its patient is known only from a full old row. `incomplete`: its
 * content must be read from the table; its code is there if the change told it.
 */
export type Content =
  | { readonly kind: 'patient'; readonly patient: Patient }
  | { readonly kind: 'removed'; readonly code: PatientCode | null; readonly patient: Patient | null }
  | { readonly kind: 'invalid'; readonly code: PatientCode | null; readonly invalid: readonly Invalid[] }
  | { readonly kind: 'incomplete'; readonly code: PatientCode | null }

/** A version of a row that waits or is in flight. One that a read brought carries the label of the newest streamed change it contains. */
export interface Version {
  content: Content
  /** Who reported it; of an end that both reported, the stream. */
  origin: 'stream' | 'read'
  readonly lane: Lane
  readonly committedAtMs: number
  readonly bytes: number
  /** The read that brought it, null if the stream did. */
  readonly read: MergedRead | null
  position: Position | null
  xid: Xid | null
  debt: Debt | null
  claim: Claim | null
}

/** Bytes that a version occupies beside its payload. */
export const versionBytes = 900

/** A change of one row as the stream brought it, mapped. `bytes` is what its version occupies. */
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
   * Of a standby's read, which the stream has passed: it contains every commit before this position, and perhaps some of those up
   * to `endLsn`. Null: the snapshot tells what it contains.
   */
  readonly containsLsn?: Lsn | null
  readonly readAtMs: number
  readonly lane: Lane
  readonly bytes: number
  readonly claim: Claim | null
}

/** A table read that was merged. `number` counts them: they are merged one after another, in the order of their snapshots. */
export interface MergedRead {
  readonly number: number
  readonly snapshot: Snapshot
  readonly endLsn: Lsn
}

/** How a code that is to end is to be ended. */
export type Removal = CodeEnd & { readonly code: PatientCode }

/** Why a patient is sent: a row's present state, the end of a row, or the end of a code that a row no longer has. */
export type Purpose = 'upsert' | 'remove' | 'retire'

/** One patient of a request: what is sent for which row, and why. */
export interface Delivery {
  readonly key: RowKey
  readonly code: PatientCode
  readonly patient: Patient
  readonly purpose: Purpose
  readonly version: Version
}

/** The code that a version is about, null where it is not known. */
export function codeOf(content: Content): PatientCode | null {
  return content.kind === 'patient' ? content.patient.code : content.code
}

export function isEnd(content: Content): boolean {
  return content.kind === 'removed'
}
