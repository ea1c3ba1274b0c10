import type { Pool } from 'pg'
import { type Lsn, parseLsn } from '../model/lsn.ts'

/** How a slot stands, in the server's words; `missing` if it is gone. PostgreSQL manual, "pg_replication_slots". */
export const walStatuses = ['reserved', 'extended', 'unreserved', 'lost', 'missing'] as const
export type WalStatus = (typeof walStatuses)[number]

export interface SlotHealth {
  readonly currentLsn: Lsn
  /** Bytes of WAL written after the slot's confirmed flush position. */
  readonly lagBytes: number
  /** Bytes of the customer's disk that the slot keeps the server from freeing. */
  readonly retainedBytes: number
  readonly walStatus: WalStatus
}

const query = `
  select pg_current_wal_lsn()::text as current, s.wal_status as status,
    pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::text as lag,
    pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::text as retained
  from (select 1) one left join pg_replication_slots s on s.slot_name = $1`

export async function readSlotHealth(pool: Pool, slot: string): Promise<SlotHealth> {
  const row = (await pool.query<Record<string, string | null>>(query, [slot])).rows[0] ?? {}
  return {
    currentLsn: parseLsn(row.current ?? ''),
    lagBytes: Number(row.lag ?? 0),
    retainedBytes: Number(row.retained ?? 0),
    walStatus: walStatuses.find((status) => status === row.status) ?? 'missing',
  }
}
