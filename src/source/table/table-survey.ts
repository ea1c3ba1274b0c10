import type { Pool } from 'pg'
import type { Row } from '../../model/source/row.ts'
import { queryWithin } from './query-within.ts'
import { excerptSql, groupSql, type ReadableTable } from './table-read-sql.ts'

/** Published rows that have the same texts in some columns, and their number. */
export interface RowGroup {
  readonly row: Row
  readonly rows: number
}

/** Limits of a survey. The first rows show the size of the others, as in a backfill. */
const maxGroups = 1_000
const firstRows = 50
const maxRows = 1_000
const maxBytes = 1024 * 1024

/** Groups the rows by the texts of some columns; null if that takes longer than `ms`, or if there are more than a thousand groups. */
export async function groupRows(
  pool: Pool,
  table: ReadableTable,
  { columns, ms }: { readonly columns: readonly string[]; readonly ms: number },
): Promise<RowGroup[] | null> {
  const found = await queryWithin(pool, ms, groupSql(table, columns, maxGroups + 1))
  if (found === null || found.length > maxGroups) return null
  return found.map(([rows, ...texts]) => ({ row: rowOf(columns, texts), rows: Number(rows) }))
}

/**
 * Reads some rows, in no order: up to a thousand, fewer if they are large. `isWhole`: there are no others. Null if that takes longer than
 * `ms`. The rows are not stored.
 */
export async function readSome(
  pool: Pool,
  table: ReadableTable,
  { columns, ms }: { readonly columns: readonly string[]; readonly ms: number },
): Promise<{ readonly rows: readonly Row[]; readonly isWhole: boolean } | null> {
  const first = await queryWithin(pool, ms, excerptSql(table, columns, firstRows))
  if (first === null) return null
  const bytes = first.flat().reduce((sum, text) => sum + (text?.length ?? 0), 0)
  const limit = Math.min(maxRows, Math.floor((firstRows * maxBytes) / Math.max(1, bytes)))
  const more = first.length < firstRows || limit <= firstRows ? null : excerptSql(table, columns, limit)
  const found = (more === null ? null : await queryWithin(pool, ms, more)) ?? first
  const asked = found === first ? firstRows : limit
  return { rows: found.map((texts) => rowOf(columns, texts)), isWhole: found.length < asked }
}

function rowOf(columns: readonly string[], texts: readonly (string | null)[]): Row {
  return new Map(columns.map((column, at) => [column, texts[at] ?? null]))
}
