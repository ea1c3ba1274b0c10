import type { Pool } from 'pg'

/** What the source's catalogs say about everything that the connector depends on. */
export interface SourceFacts {
  readonly serverVersionNumber: number
  readonly serverVersion: string
  readonly database: string
  readonly user: string
  readonly walLevel: string
  readonly mayReplicate: boolean
  readonly freeSlots: number
  readonly freeSenders: number
  readonly walSenderTimeoutMs: number
  readonly table: TableFacts | null
  readonly publication: PublicationFacts | null
  readonly slot: SlotFacts | null
  readonly mayCreatePublication: boolean
}

export interface TableFacts {
  readonly oid: number
  readonly kind: 'table' | 'partitioned' | 'other'
  readonly isOwner: boolean
  readonly maySelect: boolean
  readonly replicaIdentity: 'default' | 'nothing' | 'full' | 'index'
  /** The columns that identify a row in every change: those of the replica identity, or of the primary key if it is full. */
  readonly keyColumns: readonly string[]
  readonly columns: readonly { readonly name: string; readonly type: string; readonly generated: boolean }[]
}

export interface PublicationFacts {
  readonly containsTable: boolean
  readonly operations: readonly string[]
  readonly columns: readonly string[]
}

export interface SlotFacts {
  readonly plugin: string
  readonly database: string
  readonly active: boolean
  readonly walStatus: string | null
  readonly confirmedFlushLsn: string | null
}

const serverQuery = `
  select current_setting('server_version_num') as "versionNumber", current_setting('server_version') as version,
    current_database() as database, current_user as "user", current_setting('wal_level') as "walLevel",
    (select rolreplication or rolsuper from pg_roles where rolname = current_user)
      or coalesce((select pg_has_role(current_user, oid, 'member') from pg_roles where rolname = 'rds_replication'), false)
      as "mayReplicate",
    current_setting('max_replication_slots')::int - (select count(*) from pg_replication_slots) as "freeSlots",
    current_setting('max_wal_senders')::int - (select count(*) from pg_stat_replication) as "freeSenders",
    (select setting::bigint from pg_settings where name = 'wal_sender_timeout') as "walSenderTimeoutMs",
    has_database_privilege(current_database(), 'create') as "mayCreate"`

const tableQuery = `
  select c.oid::bigint as oid, c.relkind as kind, pg_has_role(current_user, c.relowner, 'usage') as "isOwner",
    has_table_privilege(c.oid, 'select') as "maySelect", c.relreplident as identity,
    coalesce((select json_agg(a.attname order by k.ordinality)
      from pg_index i, unnest(i.indkey) with ordinality k(attnum, ordinality), pg_attribute a
      where i.indrelid = c.oid and a.attrelid = c.oid and a.attnum = k.attnum and k.ordinality <= i.indnkeyatts
        and case when c.relreplident = 'i' then i.indisreplident else i.indisprimary end), '[]') as "keyColumns",
    (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, null), 'generated', a.attgenerated <> '')
      order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`

const publicationQuery = `
  select p.pubinsert, p.pubupdate, p.pubdelete, p.puballtables, p.pubviaroot,
    t.tablename is not null as "containsTable", to_jsonb(t) -> 'attnames' as columns
  from pg_publication p left join pg_publication_tables t
    on t.pubname = p.pubname and t.schemaname = $2 and t.tablename = $3
  where p.pubname = $1`

const slotQuery = `
  select plugin, database, active, wal_status as "walStatus", confirmed_flush_lsn::text as "confirmedFlushLsn"
  from pg_replication_slots where slot_name = $1`

/** Asks the source's catalogs. It changes nothing, and each statement is a transaction of its own. */
export async function gatherSourceFacts(
  pool: Pool,
  names: { readonly schema: string; readonly table: string; readonly publication: string; readonly slot: string },
): Promise<SourceFacts> {
  const one = async (text: string, values: string[] = []): Promise<Record<string, string | null> | null> =>
    (await pool.query<Record<string, string | null>>(text, values)).rows[0] ?? null
  const server = (await one(serverQuery)) ?? {}
  const table = await one(tableQuery, [names.schema, names.table])
  const publication = await one(publicationQuery, [names.publication, names.schema, names.table])
  const slot = await one(slotQuery, [names.slot])
  return {
    serverVersionNumber: Number(server.versionNumber),
    serverVersion: server.version ?? '',
    database: server.database ?? '',
    user: server.user ?? '',
    walLevel: server.walLevel ?? '',
    mayReplicate: server.mayReplicate === 't',
    freeSlots: Number(server.freeSlots),
    freeSenders: Number(server.freeSenders),
    walSenderTimeoutMs: Number(server.walSenderTimeoutMs),
    mayCreatePublication: server.mayCreate === 't',
    table: table && tableFacts(table),
    publication: publication && {
      containsTable: publication.containsTable === 't',
      operations: ['insert', 'update', 'delete'].filter((operation) => publication[`pub${operation}`] === 't'),
      columns: list(publication.columns),
    },
    slot: slot && {
      plugin: slot.plugin ?? '',
      database: slot.database ?? '',
      active: slot.active === 't',
      walStatus: slot.walStatus ?? null,
      confirmedFlushLsn: slot.confirmedFlushLsn ?? null,
    },
  }
}

const identities = { d: 'default', n: 'nothing', f: 'full', i: 'index' } as const

function tableFacts(row: Record<string, string | null>): TableFacts {
  return {
    oid: Number(row.oid),
    kind: row.kind === 'r' ? 'table' : row.kind === 'p' ? 'partitioned' : 'other',
    isOwner: row.isOwner === 't',
    maySelect: row.maySelect === 't',
    replicaIdentity: identities[(row.identity ?? 'n') as keyof typeof identities],
    keyColumns: list(row.keyColumns),
    columns: JSON.parse(row.columns ?? '[]') as TableFacts['columns'],
  }
}

function list(json: string | null | undefined): string[] {
  return json ? (JSON.parse(json) as string[]) : []
}
