import { type SQL, sql } from 'drizzle-orm'
import type { BackfillRunProgress } from '../../model/progress/backfill-run.ts'
import type { StoredRow } from '../../model/progress/stored-row.ts'
import { formatLsn, type Lsn } from '../../model/source/lsn.ts'
import type { Position } from '../../model/source/position.ts'
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
  readonly recentRequests: RecentRequests
}

/**
 * Returns one statement for rows, dead letters, the backfill's position and the checkpoint, so that a request waits for one round
 * trip. The statement returns no row, and changes nothing, if `epoch` is not the newest.
 */
export function recordStatement(epoch: number, { rows, backfill, ...settlement }: Settlement): SQL {
  const parts: SQL[] = [sql`fence as (${checkpointUpdate(epoch, settlement)})`]
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
  epoch: number,
  { checkpointLsn, horizon, readLsn, recentRequests }: Omit<Settlement, 'rows' | 'backfill'>,
): SQL {
  const raised = horizon
    ? sql`horizon_lsn = ${formatLsn(horizon.commitLsn)}::pg_lsn, horizon_ordinal = ${horizon.ordinal}::bigint,`
    : sql``
  const read = readLsn === null ? sql`` : sql`read_lsn = greatest(read_lsn, ${formatLsn(readLsn)}::pg_lsn),`
  return sql`update ${checkpoint} set lsn = ${formatLsn(checkpointLsn)}::pg_lsn, ${raised} ${read}
    recent_requests = ${JSON.stringify(recentRequests)}::jsonb, updated_at = clock_timestamp()
    where run = ${epoch} returning id`
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
