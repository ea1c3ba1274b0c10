import type { Patient } from '../../model/patient/patient.ts'
import type { Lsn } from '../../model/source/lsn.ts'
import type { Position } from '../../model/source/position.ts'
import type { Xid } from '../../model/source/visibility.ts'

/** What may be in memory. Whatever fills it, something that frees it stays enabled (docs/guarantees.md, promise 8). */
export interface Bounds {
  /** Rows in memory past which the stream is paused, and what their versions may occupy, bytes. */
  readonly rows: number
  readonly bytes: number
  /** Rows whose record is not loaded yet, past which the stream is paused, the hold included. */
  readonly unloaded: number
  /** Codes that wait to be unsubscribed. Past it they are noted in the row records; they never pause the stream. */
  readonly unsubscriptions: number
  /** Codes to be unsubscribed whose records are fetched. Past it they are noted in the row records: what 10 s of the quota fetch. */
  readonly recordFetches: number
  /** Accepted patients that are read back. Past it they are noted in the row records and sent again later. */
  readonly readBacks: number
  /** Rows that a read by key asks for. */
  readonly readRows: number
  /** Rows whose last read the stream has not passed. Past it the oldest are forgotten. */
  readonly marks: number
}

export const defaultBounds: Bounds = {
  rows: 20_000,
  bytes: 32 * 1024 * 1024,
  unloaded: 5_000,
  unsubscriptions: 2_000,
  recordFetches: 100,
  readBacks: 1_000,
  readRows: 200,
  marks: 2_000,
}

export interface CoreOptions {
  /** Where the store stands: checkpoint, MERGE's H and R, and the open slot gap. */
  readonly checkpointLsn: Lsn
  readonly horizon: Position | null
  readonly readLsn: Lsn | null
  readonly isSlotGapOpen: boolean
  /** A read of a standby is handed on once the stream has passed it: while the stream is paused none comes. */
  readonly readsFollowStream: boolean
  /** A 64-bit transaction id of about now. */
  readonly nearXid: Xid
  readonly onDelete: 'ignore' | 'unsubscribe'
  readonly batchSize: number
  readonly maxInFlight: number
  readonly requestsPerMinute: number
  readonly requestTimeoutMs: number
  /** Keyed hash of a payload, hexadecimal. */
  readonly fingerprint: (patient: Patient) => string
  readonly bounds: Bounds
  /** Seed of everything that is left to chance: jitter, samples. The same events give the same effects. */
  readonly seed: number
}
