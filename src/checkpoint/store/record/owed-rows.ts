import { sql } from 'drizzle-orm'
import type { OwedReason } from '../../../model/progress/stored-row.ts'
import { formatLsn, type Lsn } from '../../../model/source/lsn.ts'
import { type RowKey, storedRowKey } from '../../../model/source/row.ts'
import type { StateDatabase } from '../state-database.ts'
import { delivery } from '../tables.ts'
import { keyColumn } from './stored-key.ts'

export interface OwedQuestion {
  readonly reasons: readonly OwedReason[]
  readonly beforeLsn: Lsn | null
  readonly limit: number
}

export interface OwedRows {
  readonly keys: readonly RowKey[]
  /** Time until the next row that is not due yet is due, milliseconds; null if there is none. */
  readonly nextInMs: number | null
}

/** Upper limit of the count, which is made every few seconds: its cost must not grow with each row. */
const maxOwedCounted = 100_000

/**
 * Returns rows that are owed for one of these reasons and are due, the longest due first. Rows whose position is `beforeLsn` or
 * later are left out (null: none); `nextInMs` counts them too.
 */
export async function listOwedRows(db: StateDatabase, { reasons, beforeLsn, limit }: OwedQuestion): Promise<OwedRows> {
  // One time for both halves, so that no row becomes due between them. Unlike a volatile clock, it allows an index scan.
  const now = sql`statement_timestamp()`
  const isOwed = sql`owed is not null and owed = any(${sql.param(reasons)})`
  const isBefore = beforeLsn === null ? sql`` : sql`and (lsn is null or lsn < ${formatLsn(beforeLsn)}::pg_lsn)`
  const { rows } = await db.execute<{ keys: string[]; next: number | null }>(sql`
    select array(select ${keyColumn} from ${delivery}
        where ${isOwed} and owed_at <= ${now} ${isBefore} order by owed_at limit ${limit}) as keys,
      (select (extract(epoch from min(owed_at) - ${now}) * 1000)::float8 from ${delivery}
        where ${isOwed} and owed_at > ${now}) as next`)
  const [found] = rows
  const next = found?.next ?? null
  // Rounded up: the row is due after that time.
  return { keys: found?.keys.map(storedRowKey) ?? [], nextInMs: next === null ? null : Math.ceil(next) }
}

/** Returns the number of rows that are owed, to be read and sent later, up to a limit. */
export async function countOwedRows(db: StateDatabase): Promise<number> {
  const { rows } = await db.execute<{ rows: string }>(sql`
    select count(*) as rows from (
      select from ${delivery} where ${delivery.owed} in ('content', 'end', 'confirm end') limit ${maxOwedCounted}) owed`)
  return Number(rows[0]?.rows ?? 0)
}
