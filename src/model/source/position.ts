import type { Lsn } from './lsn.ts'

/**
 * Position of a streamed change: its transaction's commit LSN, then its ordinal (from 1) among the transaction's changes to the
 * table. The ordinal orders the changes of one transaction.
 */
export interface Position {
  readonly commitLsn: Lsn
  readonly ordinal: number
}

/** Returns a negative number if `a` comes first in the stream, zero if they are equal, else a positive number. */
export function comparePositions(a: Position, b: Position): number {
  if (a.commitLsn !== b.commitLsn) return a.commitLsn < b.commitLsn ? -1 : 1
  return a.ordinal - b.ordinal
}
