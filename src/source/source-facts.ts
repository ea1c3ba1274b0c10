import type { Pool } from 'pg'
import { type ManagedService, telltaleRoles } from './managed-service.ts'
import { type PublicationFacts, readPublication } from './publication-facts.ts'
import type { Wanted } from './wanted.ts'

/** Everything in the source's catalogs that the connector depends on. */
export interface SourceFacts {
  readonly serverVersionNumber: number
  readonly serverVersion: string
  readonly database: string
  /** Encoding as the server names it, `SQL_ASCII` if it does not know. */
  readonly encoding: string
  readonly user: string
  readonly walLevel: string
  readonly service: ManagedService | null
  readonly mayReplicate: boolean
  readonly freeSlots: number
  readonly freeSenders: number
  readonly walSenderTimeoutMs: number
  /** `max_slot_wal_keep_size`; null: unlimited. */
  readonly keepBytes: number | null
  /** `idle_replication_slot_timeout`, which came with PostgreSQL 18; 0: none. */
  readonly idleTimeoutSeconds: number | null
  readonly mayUseSchema: boolean
  /** True if nobody on the way can read the data: the connection uses TLS or stays on the server's machine. */
  readonly isProtected: boolean
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
  /** True if row-level security applies to the user. */
  readonly hidesRows: boolean
  readonly hasRowSecurity: boolean
  readonly replicaIdentity: 'default' | 'nothing' | 'full' | 'index'
  /** True if the table or one of its partitions has a full replica identity: a column list would not cover it. */
  readonly hasFullIdentity: boolean
  /** Columns that identify a row in every change: those of the replica identity, or of the primary key if the identity is full. */
  readonly keyColumns: readonly string[]
  /** The same columns, with the operators and collations of their index. */
  readonly key: readonly KeyColumn[]
  readonly columns: readonly ColumnFacts[]
}

/** Column. Its type is a domain's base type: values of a domain are written as those of its base type. */
export interface ColumnFacts {
  readonly name: string
  readonly attnum: number
  readonly typeOid: number
  /** Type as the relation messages of the stream name it: the domain itself. */
  readonly declaredTypeOid: number
  /** Type as `format_type` writes it, without a modifier: qualified by schema unless it is built in. */
  readonly type: string
  /** PostgreSQL manual, "pg_type", `typcategory`. */
  readonly category: string
  /** Null: an ordinary column. */
  readonly generated: 'stored' | 'virtual' | null
  readonly maySelect: boolean
}

/** Key column as its unique index sorts it. Everything but the name is SQL, qualified by schema, for sessions without a search path. */
export interface KeyColumn {
  readonly name: string
  /** Type to which a key's text is cast: a domain's base type, without a length. */
  readonly type: string
  /** Collation of the index if it differs from the column's. */
  readonly collation: string | null
  /** Operator for "the keys are equal". */
  readonly equal: string
  /** Operator for "the left key comes after the right one". */
  readonly after: string
  /** SQL that follows the column in `order by`. */
  readonly order: string
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
    current_setting('server_encoding') as encoding,
    (select rolreplication or rolsuper from pg_roles where rolname = current_user)
      or coalesce((select pg_has_role(current_user, oid, 'member') from pg_roles where rolname = 'rds_replication'), false)
      as "mayReplicate",
    current_setting('max_replication_slots')::int - (select count(*) from pg_replication_slots) as "freeSlots",
    current_setting('max_wal_senders')::int - (select count(*) from pg_stat_replication) as "freeSenders",
    (select setting::bigint from pg_settings where name = 'wal_sender_timeout') as "walSenderTimeoutMs",
    (select nullif(setting::bigint, -1) * 1024 * 1024 from pg_settings where name = 'max_slot_wal_keep_size') as "keepBytes",
    (select setting::bigint from pg_settings where name = 'idle_replication_slot_timeout') as "idleTimeoutSeconds",
    (select array_to_json(array_agg(rolname)) from pg_roles where rolname = any($2)) as services,
    coalesce(has_schema_privilege(to_regnamespace(quote_ident($1)), 'usage'), true) as "mayUseSchema",
    coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) or inet_client_addr() is null
      or inet_client_addr() <<= '127.0.0.0/8' or inet_client_addr() = '::1' as "isProtected",
    has_database_privilege(current_database(), 'create') as "mayCreate"`

/**
 * Selects the operators from the index. Types of extensions have operators outside of pg_catalog, and an index can sort by operators other
 * than its type's (`text_pattern_ops`). Btree strategies: 1 less, 3 equal, 5 greater. `format_type` without -1 would turn char(n) into
 * char(1), which truncates. A deferrable primary key is no replica identity. PostgreSQL manual, "ALTER TABLE", `REPLICA IDENTITY`.
 */
const keySelection = `
  select json_agg(json_build_object('name', a.attname, 'collation', l.name,
    'type', (with recursive base as (
        select a.atttypid as oid
        union all select t.typbasetype from base join pg_type t using (oid) where t.typtype = 'd')
      select format_type(oid, -1) from base join pg_type t using (oid) where t.typtype <> 'd'),
    'equal', coalesce(o.names ->> '3', 'OPERATOR(pg_catalog.=)'),
    'after', coalesce(o.names ->> case when k.descends then '1' else '5' end, 'OPERATOR(pg_catalog.>)'),
    'order', 'using ' || coalesce(o.names ->> case when k.descends then '5' else '1' end, 'OPERATOR(pg_catalog.<)')
      || case when k.nulls_first then ' nulls first' else ' nulls last' end) order by k.place)
  from pg_index i
  cross join lateral (
    select attnum, place, i.indclass[place - 1] as opclass, i.indcollation[place - 1] as collation,
      i.indoption[place - 1] & 1 = 1 as descends, i.indoption[place - 1] & 2 = 2 as nulls_first
    from unnest(i.indkey) with ordinality indexed(attnum, place) where place <= i.indnkeyatts) k
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
  left join lateral (
    select format('%I.%I', n.nspname, l.collname) as name from pg_collation l join pg_namespace n on n.oid = l.collnamespace
    where l.oid = k.collation and l.oid <> a.attcollation) l on true
  left join lateral (
    select jsonb_object_agg(m.amopstrategy, format('OPERATOR(%I.%s)', n.nspname, p.oprname)) as names
    from pg_opclass s join pg_am on pg_am.oid = s.opcmethod and pg_am.amname = 'btree'
      join pg_amop m on m.amopfamily = s.opcfamily and m.amoplefttype = s.opcintype and m.amoprighttype = s.opcintype
      join pg_operator p on p.oid = m.amopopr join pg_namespace n on n.oid = p.oprnamespace
    where s.oid = k.opclass) o on true
  where i.indrelid = c.oid and i.indisvalid
    and case c.relreplident when 'i' then i.indisreplident when 'f' then i.indisprimary else i.indisprimary and i.indimmediate end`

const columnSelection = `
  select json_agg(json_build_object('name', a.attname, 'attnum', a.attnum, 'typeOid', base.oid::bigint,
      'declaredTypeOid', a.atttypid::bigint, 'type', format_type(base.oid, -1), 'category', base.typcategory,
      'generated', case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' end,
      'maySelect', has_column_privilege(c.oid, a.attnum, 'select')) order by a.attnum)
  from pg_attribute a cross join lateral (
    with recursive chain as (
      select a.atttypid as oid
      union all select t.typbasetype from chain join pg_type t using (oid) where t.typtype = 'd')
    select t.oid, t.typcategory from chain join pg_type t using (oid) where t.typtype <> 'd') base
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped`

const tableQuery = `
  select c.oid::bigint as oid, c.relkind as kind, pg_has_role(current_user, c.relowner, 'usage') as "isOwner",
    has_table_privilege(c.oid, 'select') as "maySelect", row_security_active(c.oid) as "hidesRows", c.relrowsecurity as "hasRowSecurity", c.relreplident as identity,
    exists (select from (select c.oid as relid union select relid from pg_partition_tree(c.oid)) m join pg_class mc on mc.oid = m.relid
      where mc.relreplident = 'f') as "hasFullIdentity",
    (${keySelection}) as key,
    (${columnSelection}) as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`

const slotQuery = `
  select plugin, database, active, wal_status as "walStatus", confirmed_flush_lsn::text as "confirmedFlushLsn"
  from pg_replication_slots where slot_name = $1`

/** Reads the facts from the catalogs. It changes nothing, and each statement is its own transaction. */
export async function gatherSourceFacts(
  pool: Pool,
  names: Pick<Wanted, 'schema' | 'table' | 'publication' | 'slot' | 'where'>,
): Promise<SourceFacts> {
  const one = async (text: string, values: unknown[] = []): Promise<Record<string, string | null> | null> =>
    (await pool.query<Record<string, string | null>>(text, values)).rows[0] ?? null
  const server = (await one(serverQuery, [names.schema, Object.values(telltaleRoles)])) ?? {}
  const table = await one(tableQuery, [names.schema, names.table])
  const slot = await one(slotQuery, [names.slot])
  return {
    serverVersionNumber: Number(server.versionNumber),
    serverVersion: server.version ?? '',
    database: server.database ?? '',
    encoding: server.encoding ?? '',
    user: server.user ?? '',
    walLevel: server.walLevel ?? '',
    service: serviceOf(JSON.parse(server.services ?? '[]') as string[]),
    mayReplicate: server.mayReplicate === 't',
    freeSlots: Number(server.freeSlots),
    freeSenders: Number(server.freeSenders),
    walSenderTimeoutMs: Number(server.walSenderTimeoutMs),
    keepBytes: server.keepBytes ? Number(server.keepBytes) : null,
    idleTimeoutSeconds: server.idleTimeoutSeconds ? Number(server.idleTimeoutSeconds) : null,
    mayUseSchema: server.mayUseSchema === 't',
    isProtected: server.isProtected === 't',
    mayCreatePublication: server.mayCreate === 't',
    table: table && tableFacts(table),
    publication: await readPublication(pool, names),
    slot: slot && {
      plugin: slot.plugin ?? '',
      database: slot.database ?? '',
      active: slot.active === 't',
      walStatus: slot.walStatus ?? null,
      confirmedFlushLsn: slot.confirmedFlushLsn ?? null,
    },
  }
}

function serviceOf(roles: readonly string[]): ManagedService | null {
  const services = Object.keys(telltaleRoles) as ManagedService[]
  return services.find((service) => roles.includes(telltaleRoles[service])) ?? null
}

const identities = { d: 'default', n: 'nothing', f: 'full', i: 'index' } as const

function tableFacts(row: Record<string, string | null>): TableFacts {
  const key = JSON.parse(row.key ?? '[]') as KeyColumn[]
  return {
    oid: Number(row.oid),
    kind: row.kind === 'r' ? 'table' : row.kind === 'p' ? 'partitioned' : 'other',
    isOwner: row.isOwner === 't',
    maySelect: row.maySelect === 't',
    hidesRows: row.hidesRows === 't',
    hasRowSecurity: row.hasRowSecurity === 't',
    replicaIdentity: identities[(row.identity ?? 'n') as keyof typeof identities],
    hasFullIdentity: row.hasFullIdentity === 't',
    keyColumns: key.map(({ name }) => name),
    key,
    columns: JSON.parse(row.columns ?? '[]') as TableFacts['columns'],
  }
}
