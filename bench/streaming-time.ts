import type { Pool } from 'pg'

/** Returns the seconds, by the server's clock, since the start of the replication connection that reads a slot. */
export async function secondsStreaming(pool: Pool, slot: string): Promise<number> {
  const { rows } = await pool.query<{ seconds: number }>(
    `select extract(epoch from clock_timestamp() - backend_start)::float8 as seconds
     from pg_stat_activity join pg_replication_slots on pid = active_pid where slot_name = $1`,
    [slot],
  )
  return rows[0]?.seconds ?? Number.NaN
}
