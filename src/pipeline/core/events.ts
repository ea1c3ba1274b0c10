import type { BatchOutcome } from '../../delivery/outcome.ts'
import type { Patient, PatientCode } from '../../model/patient/patient.ts'
import type { Lane } from '../../model/progress/lane.ts'
import type { Pass } from '../../model/progress/pass.ts'
import type { StoredRow } from '../../model/progress/stored-row.ts'
import type { Lsn } from '../../model/source/lsn.ts'
import type { RowKey } from '../../model/source/row.ts'
import type { Snapshot, Xid } from '../../model/source/visibility.ts'
import type { Settled } from '../../pending/entry/settled-row.ts'
import type { Content, Delivery } from '../../pending/entry/version.ts'

/** Names one effect that was handed out. The driver answers each ticket with exactly one event. */
export type Ticket = number

/** One row as a change or a read shows it, mapped. `bytes`: what a version of it occupies in memory. */
export interface MappedRow {
  readonly content: Content
  readonly bytes: number
}

export const operations = ['insert', 'update', 'delete'] as const
export type Operation = (typeof operations)[number]

/** A WAL event, decoded and mapped. A change has two rows if the row's key changed: the end of the old one, then the new one. */
export type MappedWalEvent =
  | { readonly kind: 'begin'; readonly commitLsn: Lsn; readonly xid: number; readonly committedAtMs: number }
  | {
      readonly kind: 'change'
      readonly operation: Operation
      readonly rows: readonly (MappedRow & { readonly key: RowKey })[]
    }
  | { readonly kind: 'truncate' }
  | { readonly kind: 'commit'; readonly commitEndLsn: Lsn }
  | { readonly kind: 'keepalive'; readonly lsn: Lsn }

/** Rows as one statement's snapshot saw them, mapped. A key that was asked for and is not here did not exist. */
export interface MappedRead {
  readonly snapshot: Snapshot
  /** WAL insert position taken after the snapshot. */
  readonly endLsn: Lsn
  /** Of a standby's read: every commit before this position is contained. Null of a primary: the snapshot tells. */
  readonly containsLsn: Lsn | null
  readonly rows: ReadonlyMap<RowKey, MappedRow>
  /** Wall-clock time of the read, milliseconds of the epoch. */
  readonly readAtMs: number
  /** What the rows' values weigh, bytes, and how long the read took, milliseconds: they set the size of the next page. */
  readonly valueBytes: number
  readonly tookMs: number
  /** Of a page: rows that the row filter leaves out, its last key, and whether no row follows. Null of a read by key. */
  readonly page: { readonly leftOut: readonly RowKey[]; readonly last: RowKey | null; readonly isLast: boolean } | null
}

/** What reading a patient back showed, compared where the values are. */
export type FetchedCode =
  /** `isAsExpected`: it is what was accepted last. `record`: the full record to unsubscribe it with; null if it cannot be unsubscribed or is already. */
  | { readonly kind: 'patient'; readonly isAsExpected: boolean; readonly record: Patient | null }
  | { readonly kind: 'absent' }
  | { readonly kind: 'not now' }

/** What the outside tells the core. Time comes beside it. */
export type CoreEvent =
  | { readonly kind: 'wal'; readonly wal: MappedWalEvent }
  /** A new replication connection is about to deliver: nothing is paused any more. */
  | { readonly kind: 'stream opened' }
  /** This instance is the writer, and its slot streams. */
  | { readonly kind: 'stream active' }
  | { readonly kind: 'stream lost' }
  /** A transaction id of about now: a quiet table has none of its own to widen the stream's 32 bits by. */
  | { readonly kind: 'xid seen'; readonly xid: Xid }
  | {
      readonly kind: 'records loaded'
      readonly ticket: Ticket
      readonly rows: ReadonlyMap<RowKey, StoredRow>
      /** Those of them whose code another row has as well: nobody knows whose patient the API has. */
      readonly shared: ReadonlySet<RowKey>
    }
  | {
      readonly kind: 'holders found'
      readonly ticket: Ticket
      readonly holders: ReadonlyMap<PatientCode, readonly RowKey[]>
    }
  | {
      readonly kind: 'owed listed'
      readonly ticket: Ticket
      readonly keys: readonly RowKey[]
      /** When the next one that is not due yet is due; null: there is none. */
      readonly nextInMs: number | null
    }
  | { readonly kind: 'rows read'; readonly ticket: Ticket; readonly read: MappedRead }
  | { readonly kind: 'slot gap checked'; readonly ticket: Ticket; readonly isClosed: boolean }
  | { readonly kind: 'backfill found'; readonly ticket: Ticket; readonly run: Pass | null }
  | { readonly kind: 'known rows listed'; readonly ticket: Ticket; readonly keys: readonly RowKey[] }
  | { readonly kind: 'permit granted'; readonly ticket: Ticket }
  | { readonly kind: 'answered'; readonly ticket: Ticket; readonly outcome: BatchOutcome }
  | { readonly kind: 'code fetched'; readonly ticket: Ticket; readonly found: FetchedCode }
  | { readonly kind: 'recorded'; readonly ticket: Ticket }
  /** An effect failed, or was given up: nothing is known of what it did. */
  | { readonly kind: 'failed'; readonly ticket: Ticket }
  /** Send nothing new; settle and record what is in flight. */
  | { readonly kind: 'drain' }
  /** The time that `wake at` named has come. */
  | { readonly kind: 'tick' }

/** Something that happened and somebody outside counts or logs. It changes nothing. */
export type Fact =
  | { readonly kind: 'received'; readonly operation: Operation; readonly changes: number }
  | { readonly kind: 'truncated' }
  | {
      readonly kind: 'settled'
      readonly outcome: Settled
      readonly lane: Lane
      /** Wall-clock time of the commit, or of the read that brought it. */
      readonly committedAtMs: number
      readonly isInvalid: boolean
      readonly rows: number
    }
  | {
      readonly kind: 'batch answered'
      readonly batch: readonly Pick<Delivery, 'key' | 'code'>[]
      readonly outcome: BatchOutcome
    }
  | { readonly kind: 'every patient refused'; readonly status: number }
  | { readonly kind: 'backfill started'; readonly run: Pass; readonly isResumed: boolean }
  | { readonly kind: 'backfill progress'; readonly run: Pass }
  | { readonly kind: 'backfill done'; readonly run: Pass; readonly rowsRead: number }
  | { readonly kind: 'table empty' }
  | { readonly kind: 'reads wait for slot gap' }
  | { readonly kind: 'rows owed'; readonly rows: number }
  | { readonly kind: 'overtaken'; readonly code: PatientCode }
  | { readonly kind: 'differs'; readonly code: PatientCode }
