import type { Pool } from 'pg'

/** Partitions are left out: a partitioned table has no rows of its own. */
const query = `
  with recursive children as (
    select i.inhrelid as oid from pg_inherits i join pg_class c on c.oid = i.inhparent join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2
    union select i.inhrelid from children join pg_inherits i on i.inhparent = children.oid)
  select format('%I.%I', n.nspname, c.relname) as table
  from children join pg_class c using (oid) join pg_namespace n on n.oid = c.relnamespace
  where not c.relispartition order by 1`

/** Returns the tables that inherit from the table, as SQL names. Their rows are neither published with it nor read. */
export async function readChildTables(
  pool: Pool,
  { schema, table }: { readonly schema: string; readonly table: string },
): Promise<string[]> {
  const { rows } = await pool.query<{ table: string }>(query, [schema, table])
  return rows.map(({ table: name }) => name)
}
