import { type SQL, sql } from 'drizzle-orm'
import type { PatientCode } from '../../model/patient/patient.ts'
import { type BackfillRunProgress, type BackfillRunReason, reloadReasons } from '../../model/progress/backfill-run.ts'
import { type OwedReason, owedReasons, type StoredRow, toConfirmReason } from '../../model/progress/stored-row.ts'
import { formatLsn, type Lsn } from '../../model/source/lsn.ts'
import type { Position } from '../../model/source/position.ts'
import type { RowKey } from '../../model/source/row.ts'
import type { Xid } from '../../model/source/visibility.ts'
import type { OwnWrites } from '../writer.ts'
import { keyColumn, storedKey, storedKeys } from './record/stored-key.ts'
import { deadLetterColumns, deliveryRows, type RecentRequests, type RejectedRow } from './rows.ts'
import { backfill, checkpoint, deadLetter, delivery } from './tables.ts'

/** Everything that one write stores. */
export interface Settlement {
  readonly rows: readonly StoredRow[]
  /** Rule 12a: codes that `rows` take from their rows. Every other stored row with one of them becomes owed, without a fingerprint. */
  readonly takenCodes: {
    readonly codes: readonly PatientCode[]
    /** Those of which a lost request may still be applied: the other rows are owed to be confirmed. */
    readonly inDoubt: readonly PatientCode[]
    /** Those of which mediQuo has accepted something: it has a patient for the other rows. */
    readonly accepted: readonly PatientCode[]
  }
  readonly checkpointLsn: Lsn
  /** Rule 9's H; null if unchanged. */
  readonly horizon: Position | null
  /** R; null if unchanged. It only rises. */
  readonly readLsn: Lsn | null
  readonly backfill: BackfillRunProgress | null
  /** Rule 15: length of the lease from this write on, milliseconds; 0: released; null: unchanged. */
  readonly leaseMs: number | null
  /** Reason of a backfill run over the whole table to request, unless an equal one waits already; null: none. */
  readonly backfillRequest: BackfillRunReason | null
  readonly recentRequests: RecentRequests
}

/**
 * Returns one statement for rows, dead letters, the backfill's position and the checkpoint, so that a request waits for one round
 * trip. The statement returns the keys of the other rows that became owed. It returns no row, and changes nothing, if another instance
 * has taken over, or if the store lacks an answered write. An earlier write of this writer that happens after a later one changes
 * nothing either. @param own `begun` is the number of this write.
 */
export function recordStatement(
  own: OwnWrites,
  { rows, takenCodes, backfill, backfillRequest, ...settlement }: Settlement,
): SQL {
  const parts: SQL[] = [sql`fence as (${checkpointUpdate(own, settlement, backfill)})`]
  if (rows.length > 0) parts.push(sql`rows as (${deliveryUpsert(rows)})`)
  const released = rows.filter((row) => row.deadLetter === null).map((row) => row.key)
  if (released.length > 0) {
    parts.push(sql`released as (delete from ${deadLetter}
      where ${deadLetter.sourceKey} = any(${storedKeys(released)}) and exists (select from fence))`)
  }
  const letters = rows.flatMap(({ key, code, deadLetter }) =>
    deadLetter === null || deadLetter === 'kept' ? [] : [{ key, code: deadLetter.formerCode ?? code, deadLetter }],
  )
  if (letters.length > 0) parts.push(sql`letters as (${deadLetterUpsert(letters)})`)
  if (backfill !== null) parts.push(sql`backfill_run as (${backfillRunUpdate(backfill)})`)
  if (backfillRequest !== null) parts.push(sql`backfill_request as (${backfillInsert(backfillRequest)})`)
  if (takenCodes.codes.length === 0) return sql`with ${sql.join(parts, sql`, `)} select '{}'::text[] as owed from fence`
  parts.push(sql`owed as (${owedAgainUpdate(rows, takenCodes)})`)
  return sql`with ${sql.join(parts, sql`, `)} select array(select key from owed) as owed from fence`
}

/**
 * Returns a statement that deletes records of rows that are gone, and returns their keys in order. It leaves records with an open end,
 * and those of patients that no other row has: what is known of them is kept. A row that is stored again in the meantime is not gone.
 */
export function forgetStatement(
  { epoch, writer }: Pick<OwnWrites, 'epoch' | 'writer'>,
  { beforeXid, after, limit }: { readonly beforeXid: Xid; readonly after: RowKey | null; readonly limit: number },
): SQL {
  const isAfter = after === null ? sql`` : sql`and d.source_key > ${storedKey(after)}`
  return sql`with gone as (
      select d.source_key from ${delivery} d
      where d.removed and d.owed is null and d.former_codes is null and (d.xid is null or d.xid < ${beforeXid}) ${isAfter}
        and (d.code is null or exists (
          select from ${delivery} o where o.code = d.code and o.source_key <> d.source_key and not o.removed))
        and not exists (select from ${deadLetter} l where l.source_key = d.source_key)
        and exists (select from ${checkpoint} where run = ${epoch} and writer = ${writer})
      order by d.source_key limit ${limit} for update of d),
    forgotten as (delete from ${delivery} d using gone where d.source_key = gone.source_key returning d.source_key, d.full_key)
    select ${keyColumn} as key from forgotten order by source_key`
}

function checkpointUpdate(
  { epoch, writer, confirmed, begun }: OwnWrites,
  {
    checkpointLsn,
    horizon,
    readLsn,
    leaseMs,
    recentRequests,
  }: Omit<Settlement, 'rows' | 'takenCodes' | 'backfill' | 'backfillRequest'>,
  run: BackfillRunProgress | null,
): SQL {
  const raised = horizon
    ? sql`horizon_lsn = ${formatLsn(horizon.commitLsn)}::pg_lsn, horizon_ordinal = ${horizon.ordinal}::bigint,`
    : sql``
  const read = readLsn === null ? sql`` : sql`read_lsn = greatest(read_lsn, ${formatLsn(readLsn)}::pg_lsn),`
  const complete = run?.done ? sql`complete_mapping = ${mappingAfter(run)},` : sql``
  return sql`update ${checkpoint} set lsn = ${formatLsn(checkpointLsn)}::pg_lsn, ${raised} ${read} ${complete} ${leaseUpdate(writer, leaseMs)}
    recent_requests = ${JSON.stringify(recentRequests)}::jsonb, updated_at = clock_timestamp(), writes = ${begun}::bigint
    where run = ${epoch} and writer = ${writer}::uuid and writes >= ${confirmed}::bigint and writes < ${begun}::bigint returning id, mapping`
}

function leaseUpdate(writer: string, leaseMs: number | null): SQL {
  if (leaseMs === null) return sql``
  if (leaseMs === 0) return sql`leased_until = null, leased_by = null,`
  return sql`leased_until = clock_timestamp() + ${leaseMs}::float8 * interval '1 millisecond', leased_by = ${writer}::uuid,`
}

/** Returns the complete mapping once a run is done: the one in use, if the run has read the whole table while it was in use. */
function mappingAfter({ id }: BackfillRunProgress): SQL {
  return sql`case when exists (select from ${backfill} b where b.id = ${id} and b.state = 'running'
    and b.codes is null and b.keys is null and b.mapping = checkpoint.mapping)
    then checkpoint.mapping else complete_mapping end`
}

function deliveryUpsert(rows: readonly StoredRow[]): SQL {
  return sql`insert into ${delivery}
      (source_key, full_key, code, fingerprint, removed, lsn, ordinal, xid, former_codes, unaccepted_codes, owed, next_code, owed_at,
       sought_since, mapping)
    ${deliveryRows(rows)} cross join fence
    on conflict (source_key) do update set code = excluded.code, fingerprint = excluded.fingerprint,
      removed = excluded.removed, lsn = excluded.lsn, ordinal = excluded.ordinal, xid = excluded.xid,
      former_codes = excluded.former_codes, unaccepted_codes = excluded.unaccepted_codes, owed = excluded.owed,
      next_code = excluded.next_code, owed_at = excluded.owed_at, sought_since = excluded.sought_since, mapping = excluded.mapping, removed_at = null`
}

/** Rule 12a. Memory has decided about the rows of the write itself. */
function owedAgainUpdate(rows: readonly StoredRow[], takenCodes: Settlement['takenCodes']): SQL {
  const codes = sql`${sql.param(takenCodes.codes)}::text[]`
  const inDoubt = sql`${sql.param(takenCodes.inDoubt)}::text[]`
  const accepted = sql`${sql.param(takenCodes.accepted)}::text[]`
  const owed = sql`coalesce(owed, case when fingerprint is null then ${again.unanswered} else ${again.answered} end)`
  return sql`update ${delivery} set fingerprint = null,
      unaccepted_codes = (select array_agg(code) from unnest(unaccepted_codes) as code where code <> all(${accepted})),
      owed = case when code = any(${inDoubt}) or former_codes && ${inDoubt} then ${confirmed(owed)} else ${owed} end,
      owed_at = coalesce(owed_at, clock_timestamp())
    where ((code = any(${codes}) and not removed) or (former_codes is not null and former_codes && ${codes}))
      and source_key <> all(${storedKeys(rows.map(({ key }) => key))}::text[]) and exists (select from fence)
    returning ${keyColumn} as key`
}

/** Returns the reason of the same row if a request may still be applied: `toConfirm`. */
function confirmed(owed: SQL): SQL {
  const cases = owedReasons.map((reason) => sql`when ${reason} then ${toConfirmReason[reason]}`)
  return sql`case ${owed} ${sql.join(cases, sql` `)} end`
}

/** A record without a fingerprint may be an intent: its request stays unanswered. */
const again: Readonly<Record<'answered' | 'unanswered', OwedReason>> = { answered: 'content', unanswered: 'confirm' }

function deadLetterUpsert(rows: readonly RejectedRow[]): SQL {
  return sql`insert into ${deadLetter} as d (source_key, full_key, code, reason, attributes, status)
    ${deadLetterColumns(rows)} where exists (select from fence)
    on conflict (source_key) do update set code = excluded.code, reason = excluded.reason, attributes = excluded.attributes,
      status = excluded.status, attempts = d.attempts + 1, last_at = now()`
}

function backfillInsert(reason: BackfillRunReason): SQL {
  return sql`insert into ${backfill} (state, reason) select 'requested', ${reason} from fence
    where not exists (select from ${backfill}
      where state = 'requested' and reason = any(${sql.param(reloadReasons)}) and codes is null and keys is null)`
}

function backfillRunUpdate({ id, position, rowsRead, done }: BackfillRunProgress): SQL {
  const ends = done ? sql`, state = 'done', finished_at = clock_timestamp()` : sql``
  return sql`update ${backfill} set position = ${position && JSON.stringify(position)}::jsonb, rows_read = ${rowsRead}::bigint${ends}
    where id = ${id} and state = 'running' and exists (select from fence)`
}
