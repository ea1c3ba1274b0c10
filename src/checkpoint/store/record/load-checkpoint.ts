import { sql } from 'drizzle-orm'
import { xid } from '../../../model/source/visibility.ts'
import { storeIdentity, storeServerColumns } from '../identity/store-identity.ts'
import type { RecentRequests } from '../rows.ts'
import type { StateDatabase } from '../state-database.ts'
import { checkpoint, mapping } from '../tables.ts'

/** Loads the checkpoint; null if there is none. @param locks true keeps others from writing it until the transaction ends. */
export async function loadCheckpoint(db: Pick<StateDatabase, 'select'>, { locks = false } = {}) {
  const age = sql<number>`(extract(epoch from clock_timestamp() - ${checkpoint.updatedAt}) * 1000)::float8`
  const leased = sql<number | null>`(extract(epoch from ${checkpoint.leasedUntil} - clock_timestamp()) * 1000)::float8`
  const firstMapping = sql<string | null>`(select ${mapping.hash} from ${mapping} order by ${mapping.id} limit 1)`
  // Null: an earlier version wrote the checkpoint.
  const isRestored = sql<boolean>`coalesce(${checkpoint.storeIdentity} <> ${storeIdentity}, false)`
  const query = db
    .select({
      row: checkpoint,
      ageMs: age,
      leasedMs: leased,
      firstMapping,
      isRestored,
      storeServer: storeServerColumns,
    })
    .from(checkpoint)
  const [found] = await (locks ? query.for('update') : query)
  if (!found) return null
  const { row } = found
  return {
    ...row,
    horizon: row.horizonLsn === null ? null : { commitLsn: row.horizonLsn, ordinal: row.horizonOrdinal ?? 0 },
    slotGapXid: row.slotGapXid === null ? null : xid(row.slotGapXid),
    recentRequests: row.recentRequests as RecentRequests,
    ageMs: found.ageMs,
    firstMapping: found.firstMapping,
    isRestored: found.isRestored,
    storeServer: found.storeServer,
    leasedMs: Math.max(0, Math.ceil(found.leasedMs ?? 0)),
  }
}
