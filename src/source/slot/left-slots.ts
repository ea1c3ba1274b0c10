import type { Pool } from 'pg'
import { quoteLiteral } from '../sql-names.ts'

/** A replication slot that looks like one of ours, and that nobody uses. */
export interface LeftSlot {
  readonly slot: string
  readonly retainedBytes: number
  /** The statement for somebody who knows that it is not needed any more. */
  readonly fix: string
}

/** The names that are proposed: of the default, and what people make of it. */
const ownPrefix = 'mediquo_cdc'

/** A slot that a standby keeps in step with its primary's (PostgreSQL 17) is not its own, and another version has no such column. */
const query = `
  select slot_name as slot,
    coalesce(pg_wal_lsn_diff(
      case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn), 0)::text as retained
  from pg_replication_slots s
  where plugin = 'pgoutput' and database = current_database() and not active and not temporary and slot_name <> $1
    and (starts_with(slot_name, $2) or slot_name = any($3))
    and not coalesce((to_jsonb(s) ->> 'synced')::boolean, false)
  order by slot_name`

/** Slots of this database that may have been left behind. @param known names that states of ours speak of. */
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
