import { eq, gte, sql } from 'drizzle-orm'
import { type Lsn, lsn as lsnOf } from '../../../model/source/lsn.ts'
import { type Xid, xid } from '../../../model/source/visibility.ts'
import { requestWholeBackfill } from '../backfill-runs.ts'
import { distrustRemovals, moveCheckpoint, unknownUpTo } from '../slot-renewal.ts'
import { inTransaction, type StateDatabase } from '../state-database.ts'
import { checkpoint, delivery } from '../tables.ts'

/** Standby that was promoted with the slot, and what is known of the checkpoint store. */
export interface Failover {
  /** Epoch under which the checkpoint was loaded. */
  readonly epoch: number
  readonly server: { readonly timeline: number; readonly currentLsn: Lsn; readonly snapshotXmax: Xid }
  /** Position at which the server left the stored timeline. */
  readonly switchLsn: Lsn
  /** Confirmed position of the slot. Past the switch: the server was decoded as a standby, and streamed on through its promotion. */
  readonly slotLsn: Lsn
  readonly store: FailoverStore
}

/** Knowledge of the checkpoint store after a fail-over of the source. */
export interface FailoverStore {
  /** True if the store may have gone back with the source: it is in the same WAL. */
  readonly sharesWal: boolean
  /** True if this process knows that the store has everything that was ever written to it. */
  readonly isComplete: boolean
}

/** Losses of a fail-over. */
export interface FailoverLoss {
  /** True if something was sent, settled or read from WAL that the promoted server lacks. */
  readonly walWasLost: boolean
  /** True if the store may not know of everything that was sent: no fingerprint and no removal is believed any more. */
  readonly storeIsDoubted: boolean
}

/**
 * Rule 14: follows a standby that was promoted with our slot. Positions past the switch mean nothing afterwards: checkpoint, H, R and those
 * of the rows are cut back to it. In the same write, a backfill over the whole table is requested if anything may have been lost.
 * @throws {ConnectorError} fenced
 */
export async function followFailover(db: StateDatabase, failover: Failover): Promise<FailoverLoss> {
  const { epoch, switchLsn, store } = failover
  return await inTransaction(db, async (tx) => {
    const [before] = await tx.select().from(checkpoint).where(eq(checkpoint.epoch, epoch)).for('update')
    // Takes time in proportion to the rows, once in a fail-over.
    await tx.execute(sql`set local statement_timeout = 0`)
    const { rowCount } = await tx
      .update(delivery)
      .set({ lsn: null, ordinal: null, xid: null })
      .where(gte(delivery.lsn, switchLsn))
    const positions = before ? positionsAfter(before, failover) : { isPast: false, values: {} }
    const walWasLost = positions.isPast || (rowCount ?? 0) > 0
    const storeIsDoubted = !store.isComplete || (store.sharesWal && walWasLost)
    const unknown = storeIsDoubted ? unknownUpTo(endOfSent(failover)) : {}
    await moveCheckpoint(tx, epoch, { timeline: failover.server.timeline, ...positions.values, ...unknown })
    if (storeIsDoubted) await distrustRemovals(tx)
    if (walWasLost || storeIsDoubted) await requestWholeBackfill(tx, 'identity changed')
    return { walWasLost, storeIsDoubted }
  })
}

type Positions = Pick<
  typeof checkpoint.$inferSelect,
  'lsn' | 'horizonLsn' | 'horizonOrdinal' | 'readLsn' | 'slotGapXid'
>

/** Returns the positions on the promoted server. `isPast`: one of them lay past the switch, or before the slot. Pure. */
function positionsAfter(
  { lsn, horizonLsn, horizonOrdinal, readLsn, slotGapXid }: Positions,
  failover: Failover,
): { readonly isPast: boolean; readonly values: Positions } {
  const { server, switchLsn, slotLsn } = failover
  const streamedOn = slotLsn > switchLsn
  const newestXid = xid(server.snapshotXmax - 1n)
  const isSentPast = horizonLsn !== null && horizonLsn >= switchLsn
  // A read that ended at the switch has seen only what comes before it.
  const isReadPast = readLsn !== null && readLsn > switchLsn
  const lastLsn = streamedOn ? slotLsn : switchLsn
  return {
    // 1. Before the slot: the store went back with the server, and lacks what was acknowledged. The backfill finds what lies in between.
    isPast: lsn > switchLsn || lsn < slotLsn || isSentPast || isReadPast,
    values: {
      lsn: lsn < slotLsn ? slotLsn : lsn > lastLsn ? lastLsn : lsn,
      horizonLsn: isSentPast ? lsnOf(switchLsn - 1n) : horizonLsn,
      horizonOrdinal: isSentPast ? Number.MAX_SAFE_INTEGER : horizonOrdinal,
      // 2. Versions past the switch were sent from this server, and the stream brings them again: they are read from the table instead.
      readLsn: streamedOn ? server.currentLsn : isReadPast ? switchLsn : readLsn,
      // 3. A transaction id that the server has not given out yet would keep reads waiting. A slot whose position is past the switch may
      // also be a new one, in whose gap every transaction of now can be.
      slotGapXid: streamedOn || (slotGapXid !== null && slotGapXid > newestXid) ? newestXid : slotGapXid,
    },
  }
}

/** Returns the end of the WAL on this server from which something may have been sent. */
function endOfSent({ server, switchLsn, slotLsn }: Failover): Lsn {
  return slotLsn > switchLsn ? server.currentLsn : switchLsn
}
