import { DatabaseError, type Pool } from 'pg'
import { sqlstate } from '../model/failure/sqlstate.ts'
import { qualifiedName } from './sql-names.ts'
import type { Wanted } from './wanted.ts'

/** The publication, and how it publishes the table. */
export interface PublicationFacts {
  /** True if the table is published under its own name; for a partitioned table, only if it is published via its root. */
  readonly containsTable: boolean
  readonly listsTable: boolean
  readonly viaRoot: boolean
  /** True for a publication of all tables, or if the table is published with its schema: then it has no row filter. */
  readonly isOfMany: boolean
  /** True if it publishes nothing but this table, its partitions and its child tables. */
  readonly isOfTableAlone: boolean
  /** True if the user owns it and may alter it (the server is not a standby), and it is of this table alone. */
  readonly isOurs: boolean
  readonly operations: readonly string[]
  readonly columns: readonly string[]
  /** SQL over the table's columns; null if every row is published. PostgreSQL 14 has no row filters. */
  readonly rowFilter: string | null
  readonly filterFit: FilterFit
}

/** Comparison of the row filter with `source.where`. `unusable`: the server refuses `source.where` with this SQLSTATE. */
export type FilterFit = { readonly kind: 'same' | 'other' } | { readonly kind: 'unusable'; readonly sqlstate: string }

const query = `
  with recursive members as (
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $2 and c.relname = $3
    union select i.inhrelid from members join pg_inherits i on i.inhparent = members.oid)
  select p.pubinsert, p.pubupdate, p.pubdelete, p.pubviaroot, t.tablename is not null as "containsTable",
    p.puballtables or l.listed as "listsTable", p.puballtables or not l.listed as "isOfMany", a.alone as "isOfTableAlone",
    a.alone and pg_has_role(current_user, p.pubowner, 'usage') and not pg_is_in_recovery() as "isOurs",
    to_jsonb(t) -> 'attnames' as columns, to_jsonb(t) ->> 'rowfilter' as "rowFilter"
  from pg_publication p
    cross join lateral (select exists (
      select from pg_publication_rel r join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
      where r.prpubid = p.oid and n.nspname = $2 and c.relname = $3) as listed) l
    cross join lateral (select not p.puballtables and not exists (
      select from pg_publication_tables o where o.pubname = p.pubname and not exists (
        select from members m join pg_class mc using (oid) join pg_namespace mn on mn.oid = mc.relnamespace
        where mn.nspname = o.schemaname and mc.relname = o.tablename)) as alone) a
    left join pg_publication_tables t on t.pubname = p.pubname and t.schemaname = $2 and t.tablename = $3
  where p.pubname = $1`

/** Reads the publication; null if there is none. It changes nothing. */
export async function readPublication(
  pool: Pool,
  wanted: Pick<Wanted, 'schema' | 'table' | 'publication' | 'where'>,
): Promise<PublicationFacts | null> {
  const values = [wanted.publication, wanted.schema, wanted.table]
  const row = (await pool.query<Record<string, string | null>>(query, values)).rows[0]
  if (!row) return null
  const containsTable = row.containsTable === 't'
  const rowFilter = row.rowFilter ?? null
  return {
    containsTable,
    listsTable: row.listsTable === 't',
    viaRoot: row.pubviaroot === 't',
    isOfMany: row.isOfMany === 't',
    isOfTableAlone: row.isOfTableAlone === 't',
    isOurs: row.isOurs === 't',
    operations: ['insert', 'update', 'delete'].filter((operation) => row[`pub${operation}`] === 't'),
    columns: row.columns ? (JSON.parse(row.columns) as string[]) : [],
    rowFilter,
    filterFit: containsTable ? await compareFilters(pool, wanted, rowFilter) : { kind: 'same' },
  }
}

/** Classes of SQLSTATEs of a condition that is not one: data exception, syntax error or access rule violation. */
const refusals = ['22', '42']

/**
 * Asks the server whether the two filters are the same condition: it writes both in the same way in the plan of a query that is not
 * executed. This needs neither a right to write nor a lock, and works on a standby.
 */
async function compareFilters(
  pool: Pool,
  wanted: Pick<Wanted, 'schema' | 'table' | 'where'>,
  rowFilter: string | null,
): Promise<FilterFit> {
  const { where } = wanted
  if (where === null) return { kind: rowFilter === null ? 'same' : 'other' }
  try {
    const { rows } = await pool.query<Record<string, string>>(
      `explain (verbose, costs off, format json)
        select (${rowFilter ?? 'true'}) is true, (${where}) is true from only ${qualifiedName(wanted)}`,
    )
    const [explained] = JSON.parse(rows[0]?.['QUERY PLAN'] ?? '[]') as {
      readonly Plan: { readonly Output: string[] }
    }[]
    const [published, configured] = explained?.Plan.Output ?? []
    return { kind: published !== undefined && published === configured ? 'same' : 'other' }
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code === undefined) throw error
    // Reads of the table select the columns of `source.where`: another filter reads the column that may not be read.
    if (error.code === sqlstate.insufficientPrivilege) return { kind: 'other' }
    if (!refusals.includes(error.code.slice(0, 2))) throw error
    // Leave out the server's message: it can quote a value.
    return { kind: 'unusable', sqlstate: error.code }
  }
}
