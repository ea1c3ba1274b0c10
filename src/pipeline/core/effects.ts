import type { Patient, PatientCode } from '../../model/patient/patient.ts'
import type { PassProgress } from '../../model/progress/pass.ts'
import type { OwedReason, StoredRow } from '../../model/progress/stored-row.ts'
import type { DurableLsn, Lsn } from '../../model/source/lsn.ts'
import type { Position } from '../../model/source/position.ts'
import type { RowKey } from '../../model/source/row.ts'
import type { Delivery } from '../../pending/entry/version.ts'
import type { Fact, Ticket } from './events.ts'

export const endpoints = ['put', 'get'] as const
export type Endpoint = (typeof endpoints)[number]

/** Which rows of the table to read in one statement. */
export type RowsToRead =
  | { readonly kind: 'keys'; readonly keys: readonly RowKey[] }
  /** The next rows in the key's order. */
  | { readonly kind: 'page'; readonly after: RowKey | null; readonly limit: number }

/** Everything that is stored at one time. */
export interface Settlement {
  readonly rows: readonly StoredRow[]
  readonly checkpointLsn: Lsn
  /** MERGE's H and R; null: as they were. */
  readonly horizon: Position | null
  readonly readLsn: Lsn | null
  readonly backfill: PassProgress | null
}

/**
 * What the core wants done. An effect with a ticket is answered by exactly one event that carries it, whenever the driver likes;
 * the comment names that event. Any of them may be answered by `failed`.
 */
export type Effect =
  /** `records loaded` */
  | { readonly kind: 'load records'; readonly ticket: Ticket; readonly keys: readonly RowKey[] }
  /** `holders found`: rows that have a code by the store. */
  | { readonly kind: 'find holders'; readonly ticket: Ticket; readonly codes: readonly PatientCode[] }
  /** `owed listed` */
  | {
      readonly kind: 'list owed rows'
      readonly ticket: Ticket
      readonly reasons: readonly OwedReason[]
      readonly beforeLsn: Lsn | null
      readonly limit: number
    }
  /** `rows read`. One at a time: MERGE rule 2. */
  | { readonly kind: 'read rows'; readonly ticket: Ticket; readonly rows: RowsToRead }
  /** `slot gap checked`: MERGE rule 1. Closes the gap in the store if it is closed. */
  | { readonly kind: 'check slot gap'; readonly ticket: Ticket }
  /** `backfill found`: the run to go on with, or to begin, begun. */
  | { readonly kind: 'find backfill'; readonly ticket: Ticket }
  /** `known rows listed` */
  | {
      readonly kind: 'list known rows'
      readonly ticket: Ticket
      readonly after: RowKey | null
      readonly limit: number
      readonly codes: readonly PatientCode[] | null
    }
  /** `permit granted`: its ticket names the permit until it is used or returned. */
  | { readonly kind: 'want permit'; readonly ticket: Ticket; readonly endpoint: Endpoint }
  | { readonly kind: 'return permit'; readonly permit: Ticket; readonly endpoint: Endpoint }
  /** `answered` */
  | { readonly kind: 'send'; readonly ticket: Ticket; readonly permit: Ticket; readonly batch: readonly Delivery[] }
  /** `code fetched`. `expected`: what was accepted last, to be compared; null: the record is wanted. */
  | {
      readonly kind: 'fetch code'
      readonly ticket: Ticket
      readonly permit: Ticket
      readonly code: PatientCode
      readonly expected: Patient | null
    }
  /** `recorded`: all of it at once, or `failed`. One at a time. */
  | { readonly kind: 'record'; readonly ticket: Ticket; readonly settlement: Settlement }
  | { readonly kind: 'acknowledge'; readonly lsn: DurableLsn }
  | { readonly kind: 'pause stream' }
  | { readonly kind: 'resume stream' }
  | { readonly kind: 'tell'; readonly facts: readonly Fact[] }
  /** A tick is wanted at this time of the monotonic clock, milliseconds; it replaces an earlier one. Null: none is. */
  | { readonly kind: 'wake at'; readonly ms: number | null }
  /** Drained: nothing is in flight, and everything settled is stored and acknowledged. */
  | { readonly kind: 'drained' }
