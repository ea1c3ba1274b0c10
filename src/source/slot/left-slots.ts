import type { Pool } from 'pg'
import { quoteLiteral } from '../sql-names.ts'

/** Replication slot that looks like one of ours and that nobody uses. */
export interface LeftSlot {
  readonly slot: string
  readonly retainedBytes: number
  /** Statement that drops the slot, for an administrator who knows that it is no longer needed. */
  readonly fix: string
}

/** Prefix of the slot names that we propose: the default, and names derived from it. */
const ownPrefix = 'mediquo_cdc'

/** Leaves out slots that a standby synchronizes from its primary. The column `synced` exists from PostgreSQL 17 on, hence the JSON. */
const query = `
  select slot_name as slot,
    coalesce(pg_wal_lsn_diff(
      case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn), 0)::text as retained
  from pg_replication_slots s
  where plugin = 'pgoutput' and database = current_database() and not active and not temporary and slot_name <> $1
    and (starts_with(slot_name, $2) or slot_name = any($3))
    and not coalesce((to_jsonb(s) ->> 'synced')::boolean, false)
  order by slot_name`

/** Returns unused slots of this database that look like ours. @param known slot names that our checkpoint stores contain. */
export async function readLeftSlots(
  pool: Pool,
  { inUse, known }: { readonly inUse: string; readonly known: readonly string[] },
): Promise<LeftSlot[]> {
  const { rows } = await pool.query<{ slot: string; retained: string }>(query, [inUse, ownPrefix, known])
  return rows.map(({ slot, retained }) => ({
    slot,
    retainedBytes: Number(retained),
    fix: `SELECT pg_drop_replication_slot(${quoteLiteral(slot)});`,
  }))
}
