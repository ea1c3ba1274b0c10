import { randomBytes } from 'node:crypto'
import { eq, isNotNull, or, sql } from 'drizzle-orm'
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import type { Lsn } from '../../model/source/lsn.ts'
import type { Xid } from '../../model/source/visibility.ts'
import { requestOnlyBackfill, requestWholeBackfill } from './backfill-runs.ts'
import { storeIdentity } from './identity/store-identity.ts'
import { inTransaction, type StateDatabase } from './state-database.ts'
import type { SourceIdentity } from './store.ts'
import { checkpoint, delivery } from './tables.ts'

export type Transaction = Parameters<Parameters<StateDatabase['transaction']>[0]>[0]

/**
 * The source's new identity and slot, and the `epoch` under which the checkpoint was loaded: if that is over, another instance was
 * faster.
 */
export interface Renewal {
  readonly epoch: number
  readonly identity: SourceIdentity
  /** Position at which the slot begins. */
  readonly lsn: Lsn
  readonly slotGapXid: Xid
}

/**
 * The slot was lost and exists again: the stream continues from it, and a backfill finds what was missed. Row records and the
 * horizon stay, since the server is the same. `doubtedAtLsn`: the end of the WAL, if it is unknown what happened to the slot or the
 * store; null otherwise. @throws {ConnectorError} fenced
 */
export async function renewSlot(
  db: StateDatabase,
  { epoch, identity, lsn, slotGapXid, doubtedAtLsn }: Renewal & { readonly doubtedAtLsn: Lsn | null },
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const unknown = doubtedAtLsn === null ? {} : unknownUpTo(doubtedAtLsn)
    await moveCheckpoint(tx, epoch, { ...identity, lsn, slotGapXid, sourceTableSchema: null, ...unknown })
    if (doubtedAtLsn !== null) await distrustRemovals(tx)
    await requestWholeBackfill(tx, 'slot lost')
  })
}

/**
 * The store lacks writes that were answered, or was restored from a dump. What mediQuo accepted last is unknown for every row: a backfill sends them all. Changes that
 * were streamed before may have been sent, and so may what was read: rows with changes up to `endLsn` are read again instead of being
 * sent as the stream brings them. @throws {ConnectorError} fenced
 */
export async function distrustStore(
  db: StateDatabase,
  { epoch, lsn, endLsn, slotGapXid }: Omit<Renewal, 'identity'> & { readonly endLsn: Lsn },
): Promise<void> {
  await inTransaction(db, async (tx) => {
    await moveCheckpoint(tx, epoch, { lsn, slotGapXid, ...unknownUpTo(endLsn) })
    await distrustRemovals(tx)
    await requestWholeBackfill(tx, 'store went back')
  })
}

/**
 * Columns of a checkpoint of which nothing is believed that it says of mediQuo. A new salt makes every fingerprint differ, with one write
 * for any number of rows. R is the end of the WAL from which something may have been sent.
 */
export function unknownUpTo(endLsn: Lsn) {
  return { fingerprintSalt: randomBytes(16), readLsn: endLsn, storeIdentity }
}

/** Trusts no removal, and of no code that mediQuo accepted nothing of it: any row may have been sent since. */
export async function distrustRemovals(tx: Transaction): Promise<void> {
  const isBelieved = or(eq(delivery.removed, true), isNotNull(delivery.unacceptedCodes))
  await tx.update(delivery).set({ removed: false, unacceptedCodes: null }).where(isBelieved)
}

/**
 * Another database replaces the one that the store belongs to. Keys, codes and dead letters stay. Positions and transaction ids of
 * another server mean nothing, and a restored store may be older than what was sent to mediQuo: neither an accepted payload nor a
 * removal is known any more. @throws {ConnectorError} fenced
 */
export async function adoptIdentity(
  db: StateDatabase,
  { epoch, identity, lsn, slotGapXid }: Renewal,
): Promise<{ readonly rows: number }> {
  return await inTransaction(db, async (tx) => {
    const unknown = { sourceTableSchema: null, horizonLsn: null, horizonOrdinal: null, readLsn: null, storeIdentity }
    await moveCheckpoint(tx, epoch, { ...identity, lsn, slotGapXid, ...unknown })
    // The update takes time in proportion to the rows. It happens once, on an operator's command, in tables that nobody else writes.
    await tx.execute(sql`set local statement_timeout = 0`)
    const { rowCount } = await tx
      .update(delivery)
      .set({ fingerprint: null, removed: false, unacceptedCodes: null, lsn: null, ordinal: null, xid: null })
    await requestOnlyBackfill(tx, 'identity changed')
    return { rows: rowCount ?? 0 }
  })
}

/** Raises `epoch`: a pipeline that still writes under the old one, here or elsewhere, is fenced off. @throws {ConnectorError} fenced */
export async function moveCheckpoint(
  tx: Transaction,
  epoch: number,
  values: PgUpdateSetSource<typeof checkpoint>,
): Promise<void> {
  const moved = await tx
    .update(checkpoint)
    .set({ ...values, epoch: epoch + 1 })
    .where(eq(checkpoint.epoch, epoch))
    .returning({ id: checkpoint.id })
  if (moved.length === 0) throw new ConnectorError('fenced', 'another instance has seen to the slot, or has taken over')
}
