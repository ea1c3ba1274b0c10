import { type SQL, sql } from 'drizzle-orm'
import type { BackfillRunProgress } from '../../model/progress/backfill-run.ts'
import type { StoredRow } from '../../model/progress/stored-row.ts'
import { formatLsn, type Lsn } from '../../model/source/lsn.ts'
import type { Position } from '../../model/source/position.ts'
import type { OwnWrites } from '../writer.ts'
import { deadLetterColumns, deliveryRows, type RecentRequests, type RejectedRow } from './rows.ts'
import { backfill, checkpoint, deadLetter, delivery } from './tables.ts'

/** Everything that one write stores. */
export interface Settlement {
  readonly rows: readonly StoredRow[]
  readonly checkpointLsn: Lsn
  /** Rule 9's H; null if unchanged. */
  readonly horizon: Position | null
  /** R; null if unchanged. It only rises. */
  readonly readLsn: Lsn | null
  readonly backfill: BackfillRunProgress | null
  /** Rule 15: length of the lease from this write on, milliseconds; 0: released; null: unchanged. */
  readonly leaseMs: number | null
  readonly recentRequests: RecentRequests
}

/**
 * Returns one statement for rows, dead letters, the backfill's position and the checkpoint, so that a request waits for one round
 * trip. The statement returns no row, and changes nothing, if another instance has taken over, or if the store lacks an answered write.
 * An earlier write of this writer that happens after a later one changes nothing either. @param own `begun` is the number of this write.
 */
export function recordStatement(own: OwnWrites, { rows, backfill, ...settlement }: Settlement): SQL {
  const parts: SQL[] = [sql`fence as (${checkpointUpdate(own, settlement)})`]
  if (rows.length > 0) parts.push(sql`rows as (${deliveryUpsert(rows)})`)
  const released = rows.filter((row) => row.deadLetter === null).map((row) => row.key)
  if (released.length > 0) {
    parts.push(sql`released as (delete from ${deadLetter}
      where ${deadLetter.sourceKey} = any(${sql.param(released)}) and exists (select from fence))`)
  }
  const letters = rows.flatMap(({ key, code, deadLetter }) =>
    deadLetter === null || deadLetter === 'kept' ? [] : [{ key, code: deadLetter.formerCode ?? code, deadLetter }],
  )
  if (letters.length > 0) parts.push(sql`letters as (${deadLetterUpsert(letters)})`)
  if (backfill !== null) parts.push(sql`backfill_run as (${backfillRunUpdate(backfill)})`)
  return sql`with ${sql.join(parts, sql`, `)} select id from fence`
}

function checkpointUpdate(
  { epoch, writer, confirmed, begun }: OwnWrites,
  { checkpointLsn, horizon, readLsn, leaseMs, recentRequests }: Omit<Settlement, 'rows' | 'backfill'>,
): SQL {
  const raised = horizon
    ? sql`horizon_lsn = ${formatLsn(horizon.commitLsn)}::pg_lsn, horizon_ordinal = ${horizon.ordinal}::bigint,`
    : sql``
  const read = readLsn === null ? sql`` : sql`read_lsn = greatest(read_lsn, ${formatLsn(readLsn)}::pg_lsn),`
  return sql`update ${checkpoint} set lsn = ${formatLsn(checkpointLsn)}::pg_lsn, ${raised} ${read} ${leaseUpdate(writer, leaseMs)}
    recent_requests = ${JSON.stringify(recentRequests)}::jsonb, updated_at = clock_timestamp(), writes = ${begun}::bigint
    where run = ${epoch} and writer = ${writer}::uuid and writes >= ${confirmed}::bigint and writes < ${begun}::bigint returning id`
}

function leaseUpdate(writer: string, leaseMs: number | null): SQL {
  if (leaseMs === null) return sql``
  if (leaseMs === 0) return sql`leased_until = null, leased_by = null,`
  return sql`leased_until = clock_timestamp() + ${leaseMs}::float8 * interval '1 millisecond', leased_by = ${writer}::uuid,`
}

function deliveryUpsert(rows: readonly StoredRow[]): SQL {
  return sql`insert into ${delivery}
      (source_key, code, fingerprint, removed, lsn, ordinal, xid, former_codes, owed, next_code, owed_at)
    ${deliveryRows(rows)} where exists (select from fence)
    on conflict (source_key) do update set code = excluded.code, fingerprint = excluded.fingerprint,
      removed = excluded.removed, lsn = excluded.lsn, ordinal = excluded.ordinal, xid = excluded.xid,
      former_codes = excluded.former_codes, owed = excluded.owed, next_code = excluded.next_code, owed_at = excluded.owed_at`
}

function deadLetterUpsert(rows: readonly RejectedRow[]): SQL {
  return sql`insert into ${deadLetter} as d (source_key, code, reason, attributes, status)
    ${deadLetterColumns(rows)} where exists (select from fence)
    on conflict (source_key) do update set code = excluded.code, reason = excluded.reason, attributes = excluded.attributes,
      status = excluded.status, attempts = d.attempts + 1, last_at = now()`
}

function backfillRunUpdate({ id, position, rowsRead, done }: BackfillRunProgress): SQL {
  const ends = done ? sql`, state = 'done', finished_at = clock_timestamp()` : sql``
  return sql`update ${backfill} set position = ${position && JSON.stringify(position)}::jsonb, rows_read = ${rowsRead}::bigint${ends}
    where id = ${id} and state = 'running' and exists (select from fence)`
}
