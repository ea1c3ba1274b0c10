import type { Pool } from 'pg'
import { formatLsn, type Lsn, parseLsn } from '../../model/source/lsn.ts'
import { type Xid, xid } from '../../model/source/visibility.ts'
import type { SlotLoss } from '../slot/slot-health.ts'
import { type EndedTimeline, parseTimeline, timelineSql } from './timeline-history.ts'

/** Source that the checkpoint belongs to. */
export interface StoredIdentity {
  readonly systemIdentifier: string
  readonly timeline: number
  readonly publication: string
  /** OID of the database; null: the checkpoint is of a version that did not store it. */
  readonly databaseOid: string | null
  readonly lsn: Lsn
}

/** Server as it is now. `history`: its earlier timelines, needed only if the stored timeline is another. */
export interface FoundIdentity {
  readonly systemIdentifier: string
  readonly timeline: number
  readonly databaseOid: string
  readonly currentLsn: Lsn
  readonly history: readonly EndedTimeline[]
  readonly slot: FoundSlot
  /** `replaced`: the publication was dropped and created again, so that earlier changes are not published. */
  readonly publication: 'there' | 'absent' | 'replaced'
  /** Publication that the settings name. */
  readonly wantedPublication: string
  /** True if the checkpoint store is on a server of this system identifier: it goes back with the WAL of the source. */
  readonly storeSharesWal: boolean
}

/** `unready`: another session is creating it. */
export type FoundSlot =
  | { readonly kind: 'absent' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'unready' }
  | { readonly kind: 'present'; readonly confirmedFlushLsn: Lsn }

/** Reasons why a database is not the one that the checkpoint belongs to. */
export const identityChanges = [
  'another server',
  'another database',
  'another publication',
  'another history',
  'past the switch',
  'timeline without the slot',
  'behind the checkpoint',
] as const
export type IdentityChange = (typeof identityChanges)[number]

export const verdictKinds = ['go on', 'not ready', 'failover', 'slot lost', 'identity changed'] as const

/**
 * Action for a server, given the checkpoint. `switchLsn`: the LSN at which the server left the stored timeline. `slotLsn`: the confirmed
 * position of the slot.
 */
export type IdentityVerdict =
  | { readonly kind: 'go on' | 'not ready' }
  | { readonly kind: 'failover'; readonly switchLsn: Lsn; readonly slotLsn: Lsn }
  | { readonly kind: 'slot lost'; readonly loss: SlotLoss }
  | { readonly kind: 'identity changed'; readonly change: IdentityChange }

/**
 * Compares the server with the checkpoint. Read the slot before the checkpoint, and the server's WAL position after it: confirmed ≤ stored
 * ≤ written holds only in that order. Pure.
 */
export function judgeIdentity(stored: StoredIdentity, found: FoundIdentity): IdentityVerdict {
  const { slot } = found
  // 1. A clone that was initialised again, an upgraded server, or a different server.
  if (found.systemIdentifier !== stored.systemIdentifier) return changed('another server')
  // 2. A database of the same name that was restored from a dump, copied, or renamed. A physical copy of a server keeps the OIDs.
  const { databaseOid } = stored
  if (databaseOid !== null && found.databaseOid !== databaseOid) return changed('another database')
  // 3. The checkpoint covers the changes of another publication.
  if (found.wantedPublication !== stored.publication) return changed('another publication')
  if (found.timeline !== stored.timeline) {
    const ended = found.history.find(({ timeline }) => timeline === stored.timeline)
    // 4. The stored timeline is not an ancestor of the server's.
    if (!ended) return changed('another history')
    // 5. The server lacks changes that were delivered: it was restored to an earlier time, or promoted while it lagged. Not if the slot was
    // confirmed past the switch: no copy of a slot is, so this server streamed these changes itself, through its promotion. And not if
    // the store is of this server: then a process that had not noticed the promotion yet wrote it afterwards.
    const streamedOn = slot.kind === 'present' && slot.confirmedFlushLsn > ended.switchLsn
    if (stored.lsn > ended.switchLsn && !streamedOn && !found.storeSharesWal) return changed('past the switch')
    if (slot.kind === 'unready') return { kind: 'not ready' }
    // 6. The slot was not synchronized, or was created after the promotion: it lacks the changes in between. Not if the store went back with
    // the server: then it lacks what was acknowledged to the slot before.
    if (slot.kind !== 'present') return changed('timeline without the slot')
    const storeWentBack = found.storeSharesWal && slot.confirmedFlushLsn <= ended.switchLsn
    if (slot.confirmedFlushLsn > stored.lsn && !storeWentBack) return changed('timeline without the slot')
    // 7. A standby with our slot was promoted.
    return { kind: 'failover', switchLsn: ended.switchLsn, slotLsn: slot.confirmedFlushLsn }
  }
  // 8. The server's WAL ends before the delivered position: its files were restored from a copy.
  if (stored.lsn > found.currentLsn) return changed('behind the checkpoint')
  if (slot.kind === 'unready') return { kind: 'not ready' }
  // 9. Changes written while there was no publication are never published.
  if (found.publication !== 'there') return lost('publication dropped')
  if (slot.kind === 'absent') return lost('gone')
  if (slot.kind === 'lost') return lost('invalidated')
  // 10. Acknowledged ≤ stored: otherwise somebody recreated or advanced this slot, or the checkpoint is older than the slot.
  if (slot.confirmedFlushLsn > stored.lsn) return lost('ahead')
  return { kind: 'go on' }
}

function changed(change: IdentityChange): IdentityVerdict {
  return { kind: 'identity changed', change }
}

function lost(loss: SlotLoss): IdentityVerdict {
  return { kind: 'slot lost', loss }
}

const sentences: Readonly<Record<IdentityChange, (stored: StoredIdentity, found: FoundIdentity) => string>> = {
  'another server': (stored, found) =>
    `the server's system identifier is ${found.systemIdentifier}, the state belongs to ${stored.systemIdentifier}`,
  'another database': (stored, found) =>
    `the OID of the database is ${found.databaseOid}, the state belongs to ${stored.databaseOid}: it was restored, copied or renamed`,
  'another publication': (stored, found) =>
    `source.publication is ${found.wantedPublication}, the state belongs to ${stored.publication}`,
  'another history': (stored, found) =>
    `the server is on timeline ${found.timeline}, which does not descend from the state's timeline ${stored.timeline}`,
  'past the switch': (stored, found) =>
    `the server is on timeline ${found.timeline}, which left timeline ${stored.timeline} before ${formatLsn(stored.lsn)}, up to where changes were delivered`,
  'timeline without the slot': (stored, found) =>
    `the server is on timeline ${found.timeline}, the state on ${stored.timeline}, and the replication slot did not come with it`,
  'behind the checkpoint': (stored, found) =>
    `the server's WAL ends at ${formatLsn(found.currentLsn)}, before ${formatLsn(stored.lsn)}, up to where changes were delivered`,
}

/** Describes the change in one sentence, without the fix. */
export function describeIdentityChange(change: IdentityChange, stored: StoredIdentity, found: FoundIdentity): string {
  return `the database is not the one that the state belongs to: ${sentences[change](stored, found)}`
}

/** Server as it identifies itself. */
export interface Server {
  readonly systemIdentifier: string
  readonly timeline: number
  readonly currentLsn: Lsn
  readonly snapshotXmax: Xid
  /** Start of the server, as seconds since 1970. */
  readonly startedAt: string
  readonly databaseOid: string
  /** Changes when the publication is dropped and created again; null if there is none. */
  readonly publicationOid: string | null
  readonly isStandby: boolean
  /** Major version, such as 17. */
  readonly major: number
}

const serverQuery = `
  select (select system_identifier from pg_control_system())::text as system,
    ${timelineSql} as timeline,
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end::text as current,
    pg_is_in_recovery()::text as standby, current_setting('server_version_num') as version,
    pg_snapshot_xmax(pg_current_snapshot())::text as xmax,
    extract(epoch from pg_postmaster_start_time())::text as started,
    (select oid::text from pg_database where datname = current_database()) as database,
    (select oid::text from pg_publication where pubname = $1) as "publicationOid"`

export async function askServer(pool: Pool, publication: string): Promise<Server> {
  const { rows } = await pool.query<Record<string, string | null>>(serverQuery, [publication])
  const { system, timeline, current, standby, version, xmax, started, database, publicationOid } = rows[0] ?? {}
  return {
    systemIdentifier: system ?? '',
    timeline: parseTimeline(timeline ?? ''),
    currentLsn: parseLsn(current ?? ''),
    snapshotXmax: xid(BigInt(xmax ?? '0')),
    startedAt: started ?? '',
    databaseOid: database ?? '',
    publicationOid: publicationOid ?? null,
    isStandby: standby === 'true',
    major: Math.floor(Number(version) / 10_000),
  }
}
