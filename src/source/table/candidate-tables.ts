import type { Pool } from 'pg'

/** Table of the database that is not PostgreSQL's own. */
export interface CandidateTable {
  readonly schema: string
  readonly table: string
  readonly columns: readonly string[]
  /** Estimate of the planner; 0 before the first ANALYZE or VACUUM. */
  readonly rowsEstimated: number
}

const query = `
  select n.nspname as schema, c.relname as table, greatest(c.reltuples, 0)::bigint as rows,
    (select json_agg(a.attname order by a.attnum) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and n.nspname not in ('pg_catalog', 'information_schema', $1)
    and n.nspname not like 'pg\\_%'
  order by 1, 2`

/** Returns every table that could be followed, whoever may read it. @param stateSchema our own schema, which is left out. */
export async function readCandidateTables(pool: Pool, stateSchema: string): Promise<CandidateTable[]> {
  const { rows } = await pool.query<Record<string, string | null>>(query, [stateSchema])
  return rows.map((row) => ({
    schema: row.schema ?? '',
    table: row.table ?? '',
    columns: JSON.parse(row.columns ?? '[]') as string[],
    rowsEstimated: Number(row.rows),
  }))
}
