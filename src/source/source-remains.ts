import type { Pool } from 'pg'
import { quoteIdentifier, quoteLiteral } from './sql-names.ts'

/** Objects of ours that exist in the source. */
export interface SourceRemains {
  readonly systemIdentifier: string
  /** Database, as the server names it. */
  readonly where: string
  readonly slot: RemainingSlot | null
  readonly publication: RemainingPublication | null
  /** Sessions of connectors. One that waits would recreate everything. */
  readonly sessions: readonly number[]
}

export interface RemainingSlot {
  readonly retainedBytes: number
  /** Null: nobody uses it. */
  readonly activePid: number | null
  /** `application_name` of the session that uses it; null if this user may not see it. */
  readonly application: string | null
  /** True if the slot uses pgoutput and belongs to this database. */
  readonly isOurKind: boolean
}

export interface RemainingPublication {
  /** `schema.table` of the tables that the publication names itself. */
  readonly tables: readonly string[]
  /** True if it publishes all tables, or all tables of a schema. */
  readonly isWide: boolean
}

const serverQuery = `
  select (select system_identifier from pg_control_system())::text as system,
    current_setting('server_version_num')::int >= 150000 as "hasSchemas",
    'database ' || current_database() || coalesce(' at ' || host(inet_server_addr()) || ':' || inet_server_port(), '') as place`

const slotQuery = `
  select coalesce(pg_wal_lsn_diff(
      case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn), 0)::text as retained,
    active_pid::text as pid, a.application_name as application,
    coalesce(plugin = 'pgoutput' and database = current_database(), false) as "isOurKind"
  from pg_replication_slots left join pg_stat_activity a on a.pid = active_pid where slot_name = $1`

const publicationQuery = `
  select p.oid::text, puballtables as "isWide",
    (select coalesce(json_agg(n.nspname || '.' || c.relname order by 1), '[]')
      from pg_publication_rel r join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
      where r.prpubid = p.oid)::text as tables
  from pg_publication p where pubname = $1`

const sessionQuery = `
  select pid::text as pid from pg_stat_activity
  where datname = current_database() and application_name = $1 order by pid`

type Row = Record<string, string | null>

/** Looks up the objects with these names. It changes nothing. */
export async function findSourceRemains(
  pool: Pool,
  names: { readonly slot: string; readonly publication: string; readonly connectors: string },
): Promise<SourceRemains> {
  const ask = async (text: string, values: string[] = []) => (await pool.query<Row>(text, values)).rows
  const [server] = await ask(serverQuery)
  const [slot] = await ask(slotQuery, [names.slot])
  const [publication] = await ask(publicationQuery, [names.publication])
  const hasSchemas = publication !== undefined && server?.hasSchemas === 't'
  const schemas = hasSchemas
    ? await ask('select 1 from pg_publication_namespace where pnpubid = $1::oid', [publication.oid ?? ''])
    : []
  return {
    systemIdentifier: server?.system ?? '',
    where: server?.place ?? '',
    slot: slot
      ? {
          retainedBytes: Number(slot.retained),
          activePid: slot.pid ? Number(slot.pid) : null,
          application: slot.application || null,
          isOurKind: slot.isOurKind === 't',
        }
      : null,
    publication: publication
      ? {
          tables: JSON.parse(publication.tables ?? '[]') as string[],
          isWide: publication.isWide === 't' || schemas.length > 0,
        }
      : null,
    sessions: (await ask(sessionQuery, [names.connectors])).map(({ pid }) => Number(pid)),
  }
}

/** Returns the statement that drops the slot. It fails with SQLSTATE 55006 while a session uses it. */
export function dropSlotSql(slot: string): string {
  return `SELECT pg_drop_replication_slot(${quoteLiteral(slot)});`
}

/** Returns the statement that drops the publication. */
export function dropPublicationSql(publication: string): string {
  return `DROP PUBLICATION ${quoteIdentifier(publication)};`
}
