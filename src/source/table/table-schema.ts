import type { Pool } from 'pg'
import { keyKind, type TableSchema } from '../../model/source/table-schema.ts'
import type { TableFacts } from '../source-facts.ts'

/** Schema of a table as one short statement reads it, without the key, which comes from `TableFacts`. */
export type CatalogTableSchema = Omit<TableSchema, 'key'>

/**
 * `xmin` is the transaction that wrote a catalog row, so that an alteration shows even if it was reverted. The labels of an enum count as
 * part of its columns: renaming a label changes the text of every row, and nothing is streamed.
 */
const query = `
  with recursive parts as (
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2
    union all select i.inhrelid from parts join pg_inherits i on i.inhparent = parts.oid)
  select c.oid::text as table, c.relkind = 'p' as "isPartitioned",
    (select concat_ws(' ', p.oid, p.xmin,
        (select string_agg(concat_ws(' ', r.oid, r.xmin), ',') from pg_publication_rel r
          where r.prpubid = p.oid and r.prrelid = c.oid),
        exists (select from pg_publication_tables t where t.pubname = p.pubname and t.schemaname = $1 and t.tablename = $2))
      from pg_publication p where p.pubname = $3) as publication,
    (select concat_ws(' ', c.relreplident, string_agg(concat_ws(' ', i.indexrelid, i.indkey), ',' order by i.indexrelid))
      from pg_index i
      where i.indrelid = c.oid and case when c.relreplident = 'i' then i.indisreplident else i.indisprimary end) as identity,
    (select json_object_agg(a.attname, concat_ws(' ', a.attnum, a.atttypid, a.atttypmod, a.xmin,
        (select md5(string_agg(e.enumlabel, ',' order by e.enumsortorder)) from pg_enum e where e.enumtypid = a.atttypid)))
      from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and ($4::text[] is null or a.attname = any($4))) as columns,
    (select md5(string_agg(oid::text, ',' order by oid)) from parts) as partitions
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`

/** Returns the current schema of the table, with these columns or all; null if there is no such table. It takes no lock. */
export async function readTableSchema(
  pool: Pool,
  of: {
    readonly schema: string
    readonly table: string
    readonly publication: string
    readonly columns: readonly string[] | null
  },
): Promise<CatalogTableSchema | null> {
  const values = [of.schema, of.table, of.publication, of.columns]
  const row = (await pool.query<Record<string, string | null>>(query, values)).rows[0]
  if (!row) return null
  return {
    table: row.table ?? '',
    publication: row.publication ?? '',
    identity: row.identity ?? '',
    columns: JSON.parse(row.columns ?? '{}') as Record<string, string>,
    partitions: row.isPartitioned === 't' ? (row.partitions ?? '') : '',
  }
}

/** Returns the complete schema, with the columns that are read. */
export function mappedTableSchema(
  found: CatalogTableSchema,
  { key }: Pick<TableFacts, 'key'>,
  mapped: readonly string[],
): TableSchema {
  const read = new Set([...mapped, ...key.map(({ name }) => name)])
  return {
    ...found,
    key: key.map(({ name, type }) => ({ column: name, kind: keyKind(type) })),
    columns: Object.fromEntries(Object.entries(found.columns).filter(([name]) => read.has(name))),
  }
}
