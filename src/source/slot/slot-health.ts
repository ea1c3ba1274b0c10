import type { Pool } from 'pg'
import { type Lsn, parseLsn } from '../../model/source/lsn.ts'
import { type Xid, xid } from '../../model/source/visibility.ts'
import { parseTimeline, timelineSql } from '../identity/timeline-history.ts'

/** How a slot stands, in the server's words; `missing` if it is gone. PostgreSQL manual, "pg_replication_slots". */
export const walStatuses = ['reserved', 'extended', 'unreserved', 'lost', 'missing'] as const
export type WalStatus = (typeof walStatuses)[number]

export interface SlotHealth {
  readonly systemIdentifier: string
  readonly timeline: number
  readonly isStandby: boolean
  readonly currentLsn: Lsn
  /** The next transaction id: what is streamed soon has one near it. */
  readonly snapshotXmax: Xid
  /** Bytes of WAL written after the slot's confirmed flush position. */
  readonly lagBytes: number
  /** Bytes of the customer's disk that the slot keeps the server from freeing. */
  readonly retainedBytes: number
  readonly walStatus: WalStatus
  /** Null while the slot is being made. */
  readonly confirmedFlushLsn: Lsn | null
  /** Changes when the publication is dropped and made again; null if there is none of the name. */
  readonly publicationOid: string | null
  /** Bytes of WAL until the server may take the slot's; null: no limit (`max_slot_wal_keep_size` is -1), or already taken. */
  readonly safeBytes: number | null
  /** Of `idle_replication_slot_timeout` (PostgreSQL 18), while no session uses the slot; null: it does not apply. */
  readonly idle: { readonly seconds: number; readonly timeoutSeconds: number } | null
  /** Whether a session streams from the slot. */
  readonly isActive: boolean
}

const query = `
  select (select system_identifier from pg_control_system())::text as system, ${timelineSql} as timeline,
    pg_is_in_recovery()::text as standby, pg_snapshot_xmax(pg_current_snapshot())::text as xmax,
    server.lsn::text as current, s.slot_name as name, s.wal_status as status, s.confirmed_flush_lsn::text as confirmed,
    pg_wal_lsn_diff(server.lsn, s.confirmed_flush_lsn)::text as lag,
    pg_wal_lsn_diff(server.lsn, s.restart_lsn)::text as retained,
    (select oid::text from pg_publication where pubname = $2) as publication,
    s.safe_wal_size::text as safe,
    s.active::text as active, case when not s.active then
      extract(epoch from clock_timestamp() - (to_jsonb(s) ->> 'inactive_since')::timestamptz)::text end as idle,
    (select setting from pg_settings where name = 'idle_replication_slot_timeout') as "idleTimeout"
  from (select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as lsn) server
    left join pg_replication_slots s on s.slot_name = $1`

/** How the server, the slot and the publication of these names stand now. */
export async function readSlotHealth(
  pool: Pool,
  { slot, publication }: { readonly slot: string; readonly publication: string },
): Promise<SlotHealth> {
  const row = (await pool.query<Record<string, string | null>>(query, [slot, publication])).rows[0] ?? {}
  return {
    systemIdentifier: row.system ?? '',
    timeline: parseTimeline(row.timeline ?? ''),
    isStandby: row.standby === 'true',
    currentLsn: parseLsn(row.current ?? ''),
    snapshotXmax: xid(BigInt(row.xmax ?? '0')),
    lagBytes: Number(row.lag ?? 0),
    retainedBytes: Number(row.retained ?? 0),
    walStatus: row.name ? walStatusOf(row.status) : 'missing',
    confirmedFlushLsn: row.confirmed ? parseLsn(row.confirmed) : null,
    publicationOid: row.publication ?? null,
    safeBytes: row.safe ? Number(row.safe) : null,
    idle: idleOf(row.idle, row.idleTimeout),
    isActive: row.active === 'true',
  }
}

/** The setting's unit is the second; 0 turns it off. */
function idleOf(seconds: string | null | undefined, timeout: string | null | undefined): SlotHealth['idle'] {
  const timeoutSeconds = Number(timeout ?? 0)
  return seconds && timeoutSeconds > 0 ? { seconds: Math.max(0, Number(seconds)), timeoutSeconds } : null
}

/** A slot has no status while it is being made. */
function walStatusOf(text: string | null | undefined): WalStatus {
  return walStatuses.find((status) => status === text) ?? 'reserved'
}

/** Why the changes after the checkpoint can no longer be streamed. `ahead`: the slot begins after the checkpoint. */
export const slotLosses = ['gone', 'invalidated', 'publication dropped', 'ahead'] as const
export type SlotLoss = (typeof slotLosses)[number]

/** What the pipeline that uses the slot was made ready with. */
export interface SlotInUse {
  readonly systemIdentifier: string
  readonly timeline: number
  readonly isStandby: boolean
  readonly publicationOid: string | null
  /** A stored position, read before the slot's health: the server must have written that far. */
  readonly writtenLsn: Lsn
  /** Read after the slot's health: what is acknowledged was stored before. Null while another session holds the slot. */
  readonly durableLsn: Lsn | null
}

/** Null: the slot can still be streamed from where it was left. `moved`: it may be another server's than before. Pure. */
export function slotTroubleOf(health: SlotHealth, use: SlotInUse): SlotLoss | 'moved' | null {
  // 1. Whether that server's slot is ours is for the identity fence to say.
  if (health.systemIdentifier !== use.systemIdentifier || health.timeline !== use.timeline) return 'moved'
  // Promoted, or started as a standby: what a read of the table contains is told in another way.
  if (health.isStandby !== use.isStandby) return 'moved'
  if (health.currentLsn < use.writtenLsn) return 'moved'
  if (health.walStatus === 'missing') return 'gone'
  if (health.walStatus === 'lost') return 'invalidated'
  // 2. PostgreSQL 18 leaves out what is written while the publication is not there, and says nothing; earlier ones fail.
  if (health.publicationOid !== use.publicationOid) return 'publication dropped'
  // 3. Acknowledged ≤ stored: the server has skipped what lies in between, and says nothing.
  const { confirmedFlushLsn } = health
  return confirmedFlushLsn !== null && use.durableLsn !== null && confirmedFlushLsn > use.durableLsn ? 'ahead' : null
}

const sentences: Readonly<Record<SlotLoss | 'moved', (slot: string) => string>> = {
  gone: (slot) => `the replication slot ${slot} is gone`,
  invalidated: (slot) => `the server has removed WAL that the replication slot ${slot} needs`,
  'publication dropped': (slot) => `the publication was dropped, so the replication slot ${slot} lacks changes`,
  ahead: (slot) => `the replication slot ${slot} begins after the checkpoint: it was recreated or moved`,
  moved: () => 'the server has failed over, was restored, or is another one than before',
}

/** One sentence, without the fix. */
export function describeSlotTrouble(trouble: SlotLoss | 'moved', slot: string): string {
  return sentences[trouble](slot)
}

/** The pipeline must end, and the source be made ready again. */
export class SlotTroubleError extends Error {
  override readonly name = 'SlotTroubleError'
  readonly trouble: SlotLoss | 'moved'

  constructor(trouble: SlotLoss | 'moved', slot: string) {
    super(describeSlotTrouble(trouble, slot))
    this.trouble = trouble
  }
}
