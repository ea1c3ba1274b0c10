import { getTableName } from 'drizzle-orm'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import type { Pool } from 'pg'
import { migrationsFolder } from './state-database.ts'
import { backfill, checkpoint, deadLetter, delivery, mapping } from './tables.ts'

/** Objects of the connector in the store's database. */
export interface StateRemains {
  /** The database, as the server names it. */
  readonly where: string
  readonly hasSchema: boolean
  /** Tables that our migrations created; none without evidence of that. `rows` is null if they may not be counted. */
  readonly tables: readonly { readonly name: string; readonly rows: number | null }[]
  /** Other objects in the schema. */
  readonly others: readonly string[]
  /** Source that the store belongs to; null if that cannot be read. */
  readonly belongsTo: StateOwner | null
}

export interface StateOwner {
  readonly slot: string
  readonly publication: string
  readonly sourceTable: string
  readonly systemIdentifier: string
}

const ownTables = [...[checkpoint, delivery, deadLetter, backfill, mapping].map(getTableName), 'migration']

type Row = Record<string, string | null>

/** Leaves out objects that are dropped with their tables: sequences of identity columns, indexes and row types. */
const relationsQuery = `
  select c.relname as name, c.relkind as kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('i', 'a'))
  union all
  select p.proname || '()', 'function' from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = $1
  order by 1`

/** Queries the store's database without changing anything. @param schema a validated identifier. */
export async function findStateRemains(pool: Pool, schema: string): Promise<StateRemains> {
  const ask = async (text: string, values: string[] = []) => (await pool.query<Row>(text, values)).rows
  const [server] = await ask(`
    select 'database ' || current_database() || coalesce(' at ' || host(inet_server_addr()) || ':' || inet_server_port(), '') as place`)
  const where = server?.place ?? ''
  const hasSchema = (await ask('select 1 from pg_namespace where nspname = $1', [schema])).length > 0
  const found = await ask(relationsQuery, [schema])
  const isOurs = await provesOurs(ask, found)
  const own = isOurs ? found.filter(({ name, kind }) => kind === 'r' && ownTables.includes(name ?? '')) : []
  const tables: { name: string; rows: number | null }[] = []
  for (const { name } of own) tables.push({ name: name ?? '', rows: await countRows(ask, name ?? '') })
  const others = found.filter((one) => !own.includes(one)).map(({ name }) => name ?? '')
  return { where, hasSchema, tables, others, belongsTo: await ownerOf(ask, tables) }
}

type Ask = (text: string, values?: string[]) => Promise<Row[]>

/** Returns true if a recorded migration of ours, or our checkpoint table, exists: a table named `delivery` may be the customer's own. */
async function provesOurs(ask: Ask, found: readonly Row[]): Promise<boolean> {
  const has = (table: string) => found.some(({ name, kind }) => name === table && kind === 'r')
  if (has('migration')) {
    const applied = await ask('select hash from migration').catch(none)
    const known = new Set(readMigrationFiles({ migrationsFolder }).map(({ hash }) => hash))
    if (applied.some(({ hash }) => known.has(hash ?? ''))) return true
  }
  if (!has('checkpoint')) return false
  return (
    (await ask('select fingerprint_salt is null as no_salt, slot_gap_xid from checkpoint limit 0').catch(
      () => null,
    )) !== null
  )
}

async function countRows(ask: Ask, table: string): Promise<number | null> {
  const [row] = await ask(`select count(*)::text as count from ${table}`).catch(none)
  return row ? Number(row.count) : null
}

async function ownerOf(ask: Ask, tables: StateRemains['tables']): Promise<StateOwner | null> {
  if (!tables.some(({ name }) => name === 'checkpoint')) return null
  const [row] = await ask('select slot, publication, source_table, system_identifier from checkpoint').catch(none)
  if (!row) return null
  const { slot, publication, source_table, system_identifier } = row
  return {
    slot: slot ?? '',
    publication: publication ?? '',
    sourceTable: source_table ?? '',
    systemIdentifier: system_identifier ?? '',
  }
}

/** Result for a part that may not be read, or has another version: it is unknown. */
function none(): Row[] {
  return []
}

/** Returns the statement that drops our tables, but not objects of others that depend on them. */
export function dropTablesSql(schema: string, tables: StateRemains['tables']): string {
  return `DROP TABLE ${tables.map(({ name }) => `${schema}.${name}`).join(', ')};`
}

/** Returns the statement that drops the schema if it is empty. */
export function dropSchemaSql(schema: string): string {
  return `DROP SCHEMA ${schema};`
}
