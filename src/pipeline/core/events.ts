import type { BatchOutcome } from '../../delivery/outcome.ts'
import type { Patient, PatientCode } from '../../model/patient/patient.ts'
import type { BackfillRun } from '../../model/progress/backfill-run.ts'
import type { Lane } from '../../model/progress/lane.ts'
import type { DeadLetterReason, StoredRow } from '../../model/progress/stored-row.ts'
import type { Lsn } from '../../model/source/lsn.ts'
import type { RowKey } from '../../model/source/row.ts'
import type { Snapshot, Xid } from '../../model/source/visibility.ts'
import type { Settled } from '../../pending/entry/settled-row.ts'
import type { Content, Delivery } from '../../pending/entry/version.ts'

/** Number of one effect. The driver answers each ticket with exactly one event. */
export type Ticket = number

/** One row as a change or a read shows it, mapped. `bytes`: memory that a version of it occupies. */
export interface MappedRow {
  readonly content: Content
  readonly bytes: number
}

export const operations = ['insert', 'update', 'delete'] as const
export type Operation = (typeof operations)[number]

/** A WAL event, decoded and mapped. A change has two rows if the row's key changed: the end of the old row, then the new row. */
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

/** Rows as one statement's snapshot saw them, mapped. A requested key that is missing here did not exist. */
export interface MappedRead {
  readonly snapshot: Snapshot
  /** WAL insert position taken after the snapshot. */
  readonly endLsn: Lsn
  /** On a standby: the read contains every commit before this position. Null on a primary: the snapshot tells. */
  readonly containsLsn: Lsn | null
  readonly rows: ReadonlyMap<RowKey, MappedRow>
  /** Wall-clock time of the read, milliseconds of the epoch. */
  readonly readAtMs: number
  /** Size of the rows' values, bytes, and duration of the read, milliseconds: they set the size of the next page. */
  readonly valueBytes: number
  readonly tookMs: number
  /** For a page: rows that the row filter leaves out, the last key, and whether this is the last page. Null for a read by key. */
  readonly page: { readonly leftOut: readonly RowKey[]; readonly last: RowKey | null; readonly isLast: boolean } | null
}

/** Result of reading a patient back. The comparison is made where the values are. */
export type FetchedCode =
  /**
   * `isAsExpected`: it is the patient accepted last. `record`: the full record to unsubscribe it with; null if it is
   * unsubscribed already.
   */
  | { readonly kind: 'patient'; readonly isAsExpected: boolean; readonly record: Patient | null }
  | { readonly kind: 'absent' }
  /** `isRefused`: the API, or something in front of it, refuses the request; else there was no answer, or none that says anything. */
  | { readonly kind: 'not now'; readonly isRefused?: boolean }

/** Everything that the outside tells the core. The time is a separate argument. */
export type CoreEvent =
  | { readonly kind: 'wal'; readonly wal: MappedWalEvent }
  /** A new replication connection is about to deliver: the stream is not paused any more. */
  | { readonly kind: 'stream opened' }
  /**
   * This instance is the writer, and its slot is streaming. `othersLeaseMs`: time for which requests of another process, or of an earlier
   * pipeline, may still be out (rule 15).
   */
  | { readonly kind: 'stream active'; readonly othersLeaseMs: number }
  | { readonly kind: 'stream lost' }
  /**
   * `xid`: a recent transaction id. A quiet table has none of its own by which the stream's 32 bits could be widened. `xmin`: every
   * transaction before it has ended.
   */
  | { readonly kind: 'xid seen'; readonly xid: Xid; readonly xmin: Xid }
  | {
      readonly kind: 'records loaded'
      readonly ticket: Ticket
      readonly rows: ReadonlyMap<RowKey, StoredRow>
      /** Those of `rows` whose code another row has too: it is not known whose patient the API has. */
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
      /** Time until the next row that is not due yet is due; null if there is none. */
      readonly nextInMs: number | null
    }
  | { readonly kind: 'rows read'; readonly ticket: Ticket; readonly read: MappedRead }
  | { readonly kind: 'slot gap checked'; readonly ticket: Ticket; readonly isClosed: boolean }
  | { readonly kind: 'backfill found'; readonly ticket: Ticket; readonly run: BackfillRun | null }
  | { readonly kind: 'known rows listed'; readonly ticket: Ticket; readonly keys: readonly RowKey[] }
  | { readonly kind: 'removed rows forgotten'; readonly ticket: Ticket; readonly last: RowKey | null }
  | { readonly kind: 'permit granted'; readonly ticket: Ticket }
  | { readonly kind: 'answered'; readonly ticket: Ticket; readonly outcome: BatchOutcome }
  | { readonly kind: 'code fetched'; readonly ticket: Ticket; readonly found: FetchedCode }
  /** `owed`: rows that were not part of the write, and that it made owed because of `takenCodes`. */
  | { readonly kind: 'recorded'; readonly ticket: Ticket; readonly owed: readonly RowKey[] }
  /** An effect failed or was given up. Its result is unknown. */
  | { readonly kind: 'failed'; readonly ticket: Ticket }
  /** Requests draining: nothing new is sent; what is in flight is settled and recorded. */
  | { readonly kind: 'drain' }
  /** The time of `wake at` has come. */
  | { readonly kind: 'tick' }

/** Something that happened, for counters and logs outside the core. It changes nothing. */
export type Fact =
  | { readonly kind: 'received'; readonly operation: Operation; readonly changes: number }
  | { readonly kind: 'truncated'; readonly isIgnored: boolean }
  | {
      readonly kind: 'settled'
      readonly outcome: Settled
      readonly lane: Lane
      /** Wall-clock time of the commit, or of the read that returned the row. */
      readonly committedAtMs: number
      /** Why a dead letter was rejected; null for the other outcomes. */
      readonly rejection: DeadLetterReason | null
      readonly rows: number
    }
  | {
      readonly kind: 'batch answered'
      readonly batch: readonly Pick<Delivery, 'key' | 'code'>[]
      readonly outcome: BatchOutcome
    }
  /** A batch whose success was not a documented one was read back. `shown`: the number of its patients that the API has. */
  | {
      readonly kind: 'batch read back'
      readonly patients: number
      readonly shown: number
      readonly status: number
    }
  /** The API refused to unsubscribe a former code of a row: a dead letter. */
  | { readonly kind: 'end refused'; readonly rejection: DeadLetterReason }
  | { readonly kind: 'every patient refused'; readonly status: number }
  | { readonly kind: 'backfill started'; readonly run: BackfillRun; readonly isResumed: boolean }
  | { readonly kind: 'backfill progress'; readonly run: BackfillRun }
  | { readonly kind: 'backfill done'; readonly run: BackfillRun; readonly rowsRead: number }
  /** `isPutOff`: the backfill begins again later. */
  | { readonly kind: 'table empty'; readonly isPutOff: boolean }
  | { readonly kind: 'reads wait for slot gap' }
  | { readonly kind: 'rows owed'; readonly rows: number }
  | { readonly kind: 'overtaken'; readonly code: PatientCode }
  | { readonly kind: 'differs'; readonly code: PatientCode }
