import type { CodeEnd } from '../model/code-end.ts'
import type { Claim, Debt } from '../model/debt.ts'
import type { Lane } from '../model/lane.ts'
import type { Lsn } from '../model/lsn.ts'
import type { Invalid, Patient, PatientCode } from '../model/patient.ts'
import { comparePositions, type Position } from '../model/position.ts'
import type { RowKey } from '../model/row.ts'
import type { StoredRow } from '../model/stored-row.ts'
import type { Snapshot, Xid } from '../model/visibility.ts'

/** What one version of a row says. `removed`: deleted or left out; its patient is known only from a full old row. */
export type Content =
  | { readonly kind: 'patient'; readonly patient: Patient }
  | { readonly kind: 'removed'; readonly code: PatientCode | null; readonly patient: Patient | null }
  | { readonly kind: 'invalid'; readonly code: PatientCode | null; readonly invalid: readonly Invalid[] }
  | { readonly kind: 'incomplete' }

/** A version of a row that waits or is in flight. One that a read brought carries the label of the newest streamed change it contains. */
export interface Version {
  readonly content: Content
  /** Who told of it; of an end that both told of, the stream. */
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

/** What was found to become of a code that is to end. */
export type Removal = CodeEnd & { readonly code: PatientCode }

/** Why a patient is sent: a row's present state, the end of a row, or the end of a code that a row no longer has. */
export type Purpose = 'upsert' | 'remove' | 'retire'

/** One patient of a batch: what is sent for which row, and why. */
export interface Parcel {
  readonly key: RowKey
  readonly code: PatientCode
  readonly patient: Patient
  readonly purpose: Purpose
  readonly version: Version
}

/** Everything known in memory of one row: at most one waiting and one in-flight version. */
export interface Entry {
  readonly key: RowKey
  /** Undefined until it was looked up. */
  stored: StoredRow | null | undefined
  known: { readonly position: Position; readonly xid: Xid } | null
  waiting: Version | null
  inFlight: Version | null
  /** The API may hold something else than the fingerprint says. */
  inDoubt: boolean
  /** A request for it was never answered, by this run or an earlier one: it may be applied yet, after a later one. */
  unanswered: boolean
  /** What was accepted and is to be read back before it is believed: one of each code. */
  unconfirmed: readonly Parcel[]
  removal: Removal | null
  /** The code whose record is being found, until something is sent for the row: then the record is out of date. */
  resolving: PatientCode | null
  /** Codes of versions that were never answered for: an earlier request, or another row that left its code to this one, may have brought them to mediQuo. */
  formerCodes: readonly PatientCode[]
  /** The last read that was merged, until the stream has passed its end. */
  read: MergedRead | null
  /** A read is under way that may return it: it stays in memory until that is merged. */
  expected: boolean
  /** What the state shall say, and does not yet. */
  unrecorded: StoredRow | null
}

/** A row whose state is being looked up: as it is in memory then, for the answer may come once it was forgotten and is there anew. */
export type LookUp = Pick<Entry, 'key'>

export function newEntry(key: RowKey): Entry {
  return {
    key,
    stored: undefined,
    known: null,
    waiting: null,
    inFlight: null,
    inDoubt: false,
    unanswered: false,
    unconfirmed: [],
    removal: null,
    resolving: null,
    formerCodes: [],
    read: null,
    expected: false,
    unrecorded: null,
  }
}

/** A deleted row's code and patient are taken over from the version that it replaces, if the change did not carry them. */
export function inherit(content: Content, entry: Entry): Content {
  if (content.kind !== 'removed' || content.code !== null) return content
  const older = (entry.waiting ?? entry.inFlight)?.content
  if (older?.kind === 'patient') return { kind: 'removed', code: older.patient.code, patient: older.patient }
  return older?.kind === 'removed' ? older : content
}

/** The code that a version is about, null where it is not known. */
export function codeOf(content: Content): PatientCode | null {
  if (content.kind === 'patient') return content.patient.code
  return content.kind === 'incomplete' ? null : content.code
}

/** Rule 4's known(K): the streamed change with the largest position, from memory or from the state. */
export function newestKnown(entry: Entry): Pick<StoredRow, 'position' | 'xid'> | null {
  const { known, stored } = entry
  if (known && stored?.position) return comparePositions(known.position, stored.position) >= 0 ? known : stored
  return known ?? stored ?? null
}
