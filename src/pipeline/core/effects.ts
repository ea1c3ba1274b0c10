import type { Patient, PatientCode } from '../../model/patient/patient.ts'
import type { BackfillRunProgress, BackfillRunReason } from '../../model/progress/backfill-run.ts'
import type { OwedReason, StoredRow } from '../../model/progress/stored-row.ts'
import type { DurableLsn, Lsn } from '../../model/source/lsn.ts'
import type { Position } from '../../model/source/position.ts'
import type { RowKey } from '../../model/source/row.ts'
import type { Xid } from '../../model/source/visibility.ts'
import type { Delivery } from '../../pending/entry/version.ts'
import type { Taken } from '../../pending/taken-codes.ts'
import type { Fact, Ticket } from './events.ts'

export const endpoints = ['put', 'get'] as const
export type Endpoint = (typeof endpoints)[number]

/** Rows of the table to read in one statement. */
export type RowsToRead =
  | { readonly kind: 'keys'; readonly keys: readonly RowKey[] }
  /** The next rows in the order of the key. */
  | { readonly kind: 'page'; readonly after: RowKey | null; readonly limit: number }

/** Everything that one write stores. */
export interface Settlement {
  readonly rows: readonly StoredRow[]
  /** Rule 12a: codes that `rows` take from their rows. Every other stored row with one of them becomes owed, without a fingerprint. */
  readonly takenCodes: Taken
  readonly checkpointLsn: Lsn
  /** Positions H and R; null if unchanged. */
  readonly horizon: Position | null
  readonly readLsn: Lsn | null
  readonly backfill: BackfillRunProgress | null
  /** Rule 15: length of the lease that begins with the write, milliseconds; 0: it is released; null: unchanged. */
  readonly leaseMs: number | null
  /** Reason of a backfill run over the whole table that is to be requested, unless an equal one waits already; null: none. */
  readonly backfillRequest: BackfillRunReason | null
}

/**
 * An effect that the core requests. The driver answers an effect with a ticket by exactly one event with that ticket, in any order.
 * The comment names the event. `failed` may answer any of them.
 */
export type Effect =
  /** `records loaded` */
  | { readonly kind: 'load records'; readonly ticket: Ticket; readonly keys: readonly RowKey[] }
  /** `holders found`: the rows that have a code, as the store knows it. */
  | { readonly kind: 'find holders'; readonly ticket: Ticket; readonly codes: readonly PatientCode[] }
  /** `owed listed` */
  | {
      readonly kind: 'list owed rows'
      readonly ticket: Ticket
      readonly reasons: readonly OwedReason[]
      readonly beforeLsn: Lsn | null
      readonly limit: number
    }
  /** `rows read`. At most one read is in progress: rule 2. */
  | { readonly kind: 'read rows'; readonly ticket: Ticket; readonly rows: RowsToRead }
  /** `slot gap checked`: rule 1. Closes the gap in the store once the old transactions have ended. */
  | { readonly kind: 'check slot gap'; readonly ticket: Ticket }
  /** `backfill found`: the run to continue or to start, unless it is over the whole table for a postponed reason. The driver has started it. */
  | { readonly kind: 'find backfill'; readonly ticket: Ticket; readonly postponed: readonly BackfillRunReason[] }
  /** `known rows listed` */
  | {
      readonly kind: 'list known rows'
      readonly ticket: Ticket
      readonly after: RowKey | null
      readonly limit: number
      readonly codes: readonly PatientCode[] | null
    }
  /** `removed rows forgotten`: records of rows that are gone, and of which nothing is to be kept, in the order of their keys. */
  | {
      readonly kind: 'forget removed rows'
      readonly ticket: Ticket
      readonly beforeXid: Xid
      readonly after: RowKey | null
      readonly limit: number
    }
  /** `permit granted`: its ticket names the permit until the permit is used or returned. */
  | { readonly kind: 'want permit'; readonly ticket: Ticket; readonly endpoint: Endpoint }
  | { readonly kind: 'return permit'; readonly permit: Ticket; readonly endpoint: Endpoint }
  /** `answered` */
  | { readonly kind: 'send'; readonly ticket: Ticket; readonly permit: Ticket; readonly batch: readonly Delivery[] }
  /** `code fetched`. `expected`: the patient accepted last, for comparison; null if the record is requested. */
  | {
      readonly kind: 'fetch code'
      readonly ticket: Ticket
      readonly permit: Ticket
      readonly code: PatientCode
      readonly expected: Patient | null
    }
  /** `recorded`: all of it is stored in one transaction, or `failed`. At most one write is in progress. */
  | { readonly kind: 'record'; readonly ticket: Ticket; readonly settlement: Settlement }
  | { readonly kind: 'acknowledge'; readonly lsn: DurableLsn }
  | { readonly kind: 'pause stream' }
  | { readonly kind: 'resume stream' }
  | { readonly kind: 'tell'; readonly facts: readonly Fact[] }
  /** Requests a tick at this time of the monotonic clock, milliseconds, and replaces an earlier request. Null: no tick is needed. */
  | { readonly kind: 'wake at'; readonly ms: number | null }
  /** Draining is complete: nothing is in flight, and everything settled is stored and acknowledged. */
  | { readonly kind: 'drained' }
