import type { Lsn } from './lsn.ts'

/**
 * Where a streamed change stands: its transaction's commit LSN, then its ordinal (from 1) among the transaction's
 * changes to the table. The ordinal matters because rows of a large transaction leave before all of it has arrived.
 */
export interface Position {
  readonly commitLsn: Lsn
  readonly ordinal: number
}

/** Negative if `a` comes first in the stream, zero if they are the same, positive otherwise. */
export function comparePositions(a: Position, b: Position): number {
  if (a.commitLsn !== b.commitLsn) return a.commitLsn < b.commitLsn ? -1 : 1
  return a.ordinal - b.ordinal
}
