import type { Pool } from 'pg'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import type { FailureKind } from '../../model/failure/failure-kind.ts'
import { type Lsn, parseLsn } from '../../model/source/lsn.ts'
import { type Xid, xid } from '../../model/source/visibility.ts'
import { parseTimeline, timelineSql } from '../identity/timeline-history.ts'

/** Status of a slot in the server's terms; `missing` if there is no slot. PostgreSQL manual, "pg_replication_slots". */
export const walStatuses = ['reserved', 'extended', 'unreserved', 'lost', 'missing'] as const
export type WalStatus = (typeof walStatuses)[number]

export interface SlotHealth {
  readonly systemIdentifier: string
  readonly timeline: number
  readonly databaseOid: string
  readonly isStandby: boolean
  readonly currentLsn: Lsn
  /** Oldest transaction id that is still running: every one before it has ended. */
  readonly snapshotXmin: Xid
  /** Next transaction id. Transactions that are streamed soon have an id near it. */
  readonly snapshotXmax: Xid
  /** Bytes of WAL written after the slot's confirmed flush position. */
  readonly lagBytes: number
  /** Bytes of WAL on the customer's disk that the slot keeps the server from removing. */
  readonly retainedBytes: number
  readonly walStatus: WalStatus
  /** Null while the slot is being created. */
  readonly confirmedFlushLsn: Lsn | null
  /** Changes when the publication is dropped and created again; null if there is none with the name. */
  readonly publicationOid: string | null
  /** Bytes of WAL until the server may remove the slot's WAL; null: no limit (`max_slot_wal_keep_size` is -1), or already removed. */
  readonly safeBytes: number | null
  /** State of `idle_replication_slot_timeout` (PostgreSQL 18) while no session uses the slot; null: it does not apply. */
  readonly idle: { readonly seconds: number; readonly timeoutSeconds: number } | null
  /** True while a session streams from the slot. */
  readonly isActive: boolean
}

const query = `
  select (select system_identifier from pg_control_system())::text as system, ${timelineSql} as timeline,
    (select oid::text from pg_database where datname = current_database()) as database,
    pg_is_in_recovery()::text as standby, pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
    pg_snapshot_xmax(pg_current_snapshot())::text as xmax,
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

/** Reads the current state of the server, the slot and the publication. */
export async function readSlotHealth(
  pool: Pool,
  { slot, publication }: { readonly slot: string; readonly publication: string },
): Promise<SlotHealth> {
  const row = (await pool.query<Record<string, string | null>>(query, [slot, publication])).rows[0] ?? {}
  return {
    systemIdentifier: row.system ?? '',
    timeline: parseTimeline(row.timeline ?? ''),
    databaseOid: row.database ?? '',
    isStandby: row.standby === 'true',
    currentLsn: parseLsn(row.current ?? ''),
    snapshotXmin: xid(BigInt(row.xmin ?? '0')),
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

/** Returns the idle time of the slot. The setting's unit is the second; 0 turns it off. */
function idleOf(seconds: string | null | undefined, timeout: string | null | undefined): SlotHealth['idle'] {
  const timeoutSeconds = Number(timeout ?? 0)
  return seconds && timeoutSeconds > 0 ? { seconds: Math.max(0, Number(seconds)), timeoutSeconds } : null
}

/** Returns the slot's status. The server reports none while the slot is being created. */
function walStatusOf(text: string | null | undefined): WalStatus {
  return walStatuses.find((status) => status === text) ?? 'reserved'
}

/** Reasons why the changes after the checkpoint can no longer be streamed. `ahead`: the slot begins after the checkpoint. */
export const slotLosses = ['gone', 'invalidated', 'publication dropped', 'ahead'] as const
export type SlotLoss = (typeof slotLosses)[number]

/** Server, slot and publication for which the running pipeline was prepared. */
export interface SlotInUse {
  readonly systemIdentifier: string
  readonly timeline: number
  readonly databaseOid: string
  readonly isStandby: boolean
  readonly publicationOid: string | null
  /** Stored position, read before the slot's health: the server must have written up to it. */
  readonly writtenLsn: Lsn
  /**
   * Durable position, read after the slot's health: everything acknowledged was stored before. Null while another session uses the slot.
   */
  readonly durableLsn: Lsn | null
}

/** Returns the slot's problem. Null: streaming can go on. `moved`: the server, its timeline, its role or the database has changed. Pure. */
export function slotTroubleOf(health: SlotHealth, use: SlotInUse): SlotLoss | 'moved' | null {
  // 1. `reconcileIdentity` decides whether that server's slot is ours.
  if (health.systemIdentifier !== use.systemIdentifier || health.timeline !== use.timeline) return 'moved'
  if (health.databaseOid !== use.databaseOid) return 'moved'
  // The server was promoted, or became a standby: the contents of a table read are determined differently.
  if (health.isStandby !== use.isStandby) return 'moved'
  if (health.currentLsn < use.writtenLsn) return 'moved'
  if (health.walStatus === 'missing') return 'gone'
  if (health.walStatus === 'lost') return 'invalidated'
  // 2. PostgreSQL 18 silently skips changes written while the publication does not exist; earlier versions fail.
  if (health.publicationOid !== use.publicationOid) return 'publication dropped'
  // 3. Acknowledged ≤ stored: otherwise the server has silently skipped the changes in between.
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

/** Describes the problem in one sentence, without the fix. */
export function describeSlotTrouble(trouble: SlotLoss | 'moved', slot: string): string {
  return sentences[trouble](slot)
}

const troubleKinds: Readonly<Record<SlotLoss | 'moved', FailureKind>> = {
  gone: 'slot missing',
  invalidated: 'slot invalidated',
  'publication dropped': 'publication dropped',
  ahead: 'slot ahead',
  moved: 'server changed',
}

/** Returns the error for a problem of the slot: the pipeline must end and the source must be prepared again. */
export function slotTroubleError(trouble: SlotLoss | 'moved', slot: string): ConnectorError {
  return new ConnectorError(troubleKinds[trouble], describeSlotTrouble(trouble, slot))
}
