import type { Pool } from 'pg'
import { keyKind, type TableSchema } from '../../model/source/table-schema.ts'
import type { TableFacts } from '../source-facts.ts'

/** Schema of a table as one short statement reads it, without the key, which comes from `TableFacts`. */
export type CatalogTableSchema = Omit<TableSchema, 'key'>

/**
 * `xmin` of a catalog row is the transaction that wrote it, so that a change shows even if it was reverted. VACUUM keeps it. Of a
 * publication, its members, the attachment of a partition and the label of an enum, each such change may change rows, or their text,
 * and nothing is streamed. A publication of all tables of a schema has its schemas as dependent objects.
 */
const query = `
  with recursive parts (oid, attached) as (
    select c.oid, '' from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2
    union all select i.inhrelid, concat_ws(' ', attached, i.inhrelid, i.xmin)
      from parts join pg_class p on p.oid = parts.oid and p.relkind = 'p' join pg_inherits i on i.inhparent = parts.oid)
  select json_build_object('table', c.oid::text,
    'publication', coalesce((select concat_ws(' ', p.oid, p.xmin,
        (select string_agg(concat_ws(' ', r.oid, r.xmin), ',') from pg_publication_rel r
          where r.prpubid = p.oid and r.prrelid = c.oid),
        (select string_agg(concat_ws(' ', d.classid, d.objid), ',' order by d.objid) from pg_depend d
          where d.refclassid = 'pg_publication'::regclass and d.refobjid = p.oid and d.classid <> 'pg_publication_rel'::regclass),
        exists (select from pg_publication_tables t where t.pubname = p.pubname and t.schemaname = $1 and t.tablename = $2))
      from pg_publication p where p.pubname = $3), ''),
    'isListed', exists (select from pg_publication_rel r where r.prrelid = c.oid),
    'identity', coalesce((select concat_ws(' ', c.relreplident,
        string_agg(concat_ws(' ', i.indkey, i.indclass, i.indcollation, i.indoption), ',' order by i.indkey))
      from pg_index i
      where i.indrelid = c.oid and case when c.relreplident = 'i' then i.indisreplident else i.indisprimary end), ''),
    'columns', coalesce((select json_object_agg(a.attname, json_build_object('type', concat_ws(' ', a.attnum, a.atttypid, a.atttypmod),
        'labels', coalesce((
          with recursive types as (
            select a.atttypid as oid
            union select inner_type.oid from types join pg_type y on y.oid = types.oid cross join lateral (
              select y.typbasetype as oid union all select y.typelem
              union all select r.rngsubtype from pg_range r where r.rngtypid = y.oid
              union all select m.atttypid from pg_attribute m where m.attrelid = y.typrelid and y.typtype = 'c' and m.attnum > 0) inner_type
            where inner_type.oid <> 0)
          select json_object_agg(e.oid, e.xmin::text) from pg_enum e where e.enumtypid in (select oid from types)), '{}'),
        'writtenBy', a.xmin::text))
      from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and ($4::text[] is null or a.attname = any($4))), '{}'),
    'storage', coalesce((select json_object_agg(s.oid, json_build_object('attached', parts.attached, 'persistence', s.relpersistence, 'writtenBy', s.xmin::text,
        'file', s.relfilenode::text, 'toast', s.reltoastrelid::text))
      from parts join pg_class s on s.oid = parts.oid and s.relkind <> 'p'), '{}'),
    'xmin', pg_snapshot_xmin(pg_current_snapshot())::text)::text as schema
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
  const row = (await pool.query<{ schema: string }>(query, values)).rows[0]
  return row ? (JSON.parse(row.schema) as CatalogTableSchema) : null
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
