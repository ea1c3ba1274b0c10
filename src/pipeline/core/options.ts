import type { ApiLimits } from '../../model/api-limits.ts'
import type { CoreIntervals } from '../../model/intervals.ts'
import type { Lsn } from '../../model/source/lsn.ts'
import type { Position } from '../../model/source/position.ts'
import type { Xid } from '../../model/source/visibility.ts'
import type { StepPolicy } from '../../pending/entry/next-step.ts'

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

/** Positions that earlier runs have stored. */
export interface StoredPositions {
  /** Checkpoint: everything before it is settled. */
  readonly checkpointLsn: Lsn
  /** H: the newest streamed change of which a version may have been sent; null if there is none. */
  readonly horizon: Position | null
  /** R: the largest end position of a table read of which something was sent or settled; null if there is none. */
  readonly readLsn: Lsn | null
}

/** State of the server and of the slot from which the core receives and reads. */
export interface SourceState {
  /** Rule 1: transactions that ran when the slot was created may still be open. */
  readonly isSlotGapOpen: boolean
  /** True on a standby: a read is passed on only after the stream has passed it. While the stream is paused no read arrives. */
  readonly readsFollowStream: boolean
  /** A recent 64-bit transaction id. */
  readonly nearXid: Xid
}

/** Values that a core works with in addition to events. The same events give the same effects with them. */
export interface CoreRuntime {
  readonly intervals: CoreIntervals
  /** Seed of all randomness: jitter and samples. */
  readonly seed: number
}

export interface CorePolicy extends StepPolicy {
  readonly onTruncate: 'reconcile' | 'ignore'
}

export interface CoreOptions {
  readonly stored: StoredPositions
  readonly source: SourceState
  readonly policy: CorePolicy
  readonly limits: ApiLimits
  readonly bounds: Bounds
  readonly runtime: CoreRuntime
}
