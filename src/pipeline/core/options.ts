import type { Patient } from '../../model/patient/patient.ts'
import type { Lsn } from '../../model/source/lsn.ts'
import type { Position } from '../../model/source/position.ts'
import type { Xid } from '../../model/source/visibility.ts'

/** Bounds of memory. Whatever fills memory, something that frees it stays enabled (docs/guarantees.md, promise 8). */
export interface Bounds {
  /** Rows in memory, and bytes of their versions, at which the stream is paused. */
  readonly rows: number
  readonly bytes: number
  /** Rows whose records are not loaded yet, at which the stream is paused, in the hold too. */
  readonly unloaded: number
  /** Codes that wait to be unsubscribed. Codes beyond it are noted in the row records; they never pause the stream. */
  readonly unsubscriptions: number
  /**
   * Codes to be unsubscribed whose records are fetched: as many as 10 s of the quota fetch. Codes beyond it are noted in the row
   * records.
   */
  readonly recordFetches: number
  /** Accepted patients that are read back. Patients beyond it are noted in the row records and sent again later. */
  readonly readBacks: number
  /** Rows that a read by key requests, at most. */
  readonly readRows: number
  /** Rows whose last read the stream has not passed. Beyond it the oldest are forgotten. */
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
  /** Stored positions: checkpoint, the positions H and R, and the open slot gap. */
  readonly checkpointLsn: Lsn
  readonly horizon: Position | null
  readonly readLsn: Lsn | null
  readonly isSlotGapOpen: boolean
  /** True on a standby: a read is passed on only after the stream has passed it. While the stream is paused no read arrives. */
  readonly readsFollowStream: boolean
  /** A recent 64-bit transaction id. */
  readonly nearXid: Xid
  readonly onDelete: 'ignore' | 'unsubscribe'
  readonly batchSize: number
  readonly maxInFlight: number
  readonly requestsPerMinute: number
  readonly requestTimeoutMs: number
  /** Keyed hash of a payload, hexadecimal. */
  readonly fingerprint: (patient: Patient) => string
  readonly bounds: Bounds
  /** Seed of all randomness: jitter and samples. The same events give the same effects. */
  readonly seed: number
}
