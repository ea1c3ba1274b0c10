import { type SQL, sql } from 'drizzle-orm'
import { type PatientCode, patientCode } from '../../model/patient/patient.ts'
import { type DeadLetter, deadLetterReasons, type Owed, type StoredRow } from '../../model/progress/stored-row.ts'
import { formatLsn } from '../../model/source/lsn.ts'
import { xid } from '../../model/source/visibility.ts'
import { fullKey, keyOf, storedKey } from './record/stored-key.ts'
import type { deadLetter, delivery } from './tables.ts'

/** Requests of the last minute as [epoch second, endpoint, count]: a restart must count them for the quota. */
export type RecentRequests = readonly (readonly [epochSecond: number, endpoint: string, count: number])[]

type DeliveryRow = typeof delivery.$inferSelect
type DeadLetterRow = typeof deadLetter.$inferSelect

/** @param soughtForMs time since `soughtSince` by the server's clock, milliseconds. */
export function storedRow(row: DeliveryRow, letter: DeadLetterRow | null, soughtForMs: number | null): StoredRow {
  return {
    key: keyOf(row),
    code: row.code === null ? null : patientCode(row.code),
    fingerprint: row.fingerprint?.toString('hex') ?? null,
    removed: row.removed,
    position: row.lsn === null ? null : { commitLsn: row.lsn, ordinal: row.ordinal ?? 0 },
    xid: row.xid === null ? null : xid(row.xid),
    deadLetter: letter && ownOrFormer(letter, row),
    formerCodes: row.formerCodes?.map(patientCode) ?? [],
    unacceptedCodes: row.unacceptedCodes?.map(patientCode) ?? [],
    owed: owedOf(row, soughtForMs),
  }
}

/** A dead letter that names a former code is of that code: the API refuses to unsubscribe it. */
function ownOrFormer(letter: DeadLetterRow, { formerCodes }: DeliveryRow): DeadLetter {
  const { code } = letter
  const isFormer = code !== null && formerCodes?.includes(code)
  return isFormer ? { ...deadLetterOf(letter), formerCode: patientCode(code) } : deadLetterOf(letter)
}

function owedOf({ owed, nextCode }: DeliveryRow, soughtForMs: number | null): Owed | null {
  if (owed === null) return null
  const row: Owed = { reason: owed, nextCode: nextCode === null ? null : patientCode(nextCode), delayMs: 0 }
  return soughtForMs === null ? row : { ...row, soughtForMs }
}

export function deadLetterOf({ reason, attributes, status }: DeadLetterRow): DeadLetter {
  return {
    reason: deadLetterReasons.find((known) => known === reason) ?? 'refused by the API',
    attributes: attributes as DeadLetter['attributes'],
    status,
  }
}

/**
 * Returns the rows of `delivery` as one query to be joined with `fence`, with one array per column: with one parameter per value
 * drizzle would take longer than all else.
 */
export function deliveryRows(rows: readonly StoredRow[]): SQL {
  const column = <T>(value: (row: StoredRow) => T) => sql.param(rows.map(value))
  return sql`select key, full_key, code, fingerprint, removed, lsn, ordinal, xid, former_codes::text[], unaccepted_codes::text[], owed, next_code,
      clock_timestamp() + delay_ms * interval '1 millisecond', clock_timestamp() - sought_ms * interval '1 millisecond', fence.mapping
    from unnest(
    ${column((row) => storedKey(row.key))}::text[],
    ${column((row) => fullKey(row.key))}::text[],
    ${column((row) => row.code)}::text[],
    ${column((row) => row.fingerprint && Buffer.from(row.fingerprint, 'hex'))}::bytea[],
    ${column((row) => row.removed)}::boolean[],
    ${column((row) => row.position && formatLsn(row.position.commitLsn))}::pg_lsn[],
    ${column((row) => row.position?.ordinal ?? null)}::bigint[],
    ${column((row) => row.xid)}::bigint[],
    ${column((row) => arrayText(row.formerCodes))}::text[],
    ${column((row) => arrayText(row.unacceptedCodes))}::text[],
    ${column((row) => row.owed?.reason ?? null)}::text[],
    ${column((row) => row.owed?.nextCode ?? null)}::text[],
    ${column((row) => row.owed?.delayMs ?? null)}::float8[],
    ${column((row) => row.owed?.soughtForMs ?? null)}::float8[]
    ) as r(key, full_key, code, fingerprint, removed, lsn, ordinal, xid, former_codes, unaccepted_codes, owed, next_code, delay_ms, sought_ms)`
}

/** Returns an array as PostgreSQL text, null if it is empty: `unnest` would flatten an array of arrays. */
function arrayText(codes: readonly PatientCode[]): string | null {
  if (codes.length === 0) return null
  return `{${codes.map((code) => `"${code.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}

/** A row that was rejected since the last write. */
export interface RejectedRow extends Pick<StoredRow, 'key' | 'code'> {
  readonly deadLetter: DeadLetter
}

/** Returns the rows of `dead_letter` as one query. */
export function deadLetterColumns(rows: readonly RejectedRow[]): SQL {
  const column = <T>(value: (row: RejectedRow) => T) => sql.param(rows.map(value))
  return sql`select * from unnest(
    ${column((row) => storedKey(row.key))}::text[],
    ${column((row) => fullKey(row.key))}::text[],
    ${column((row) => row.code)}::text[],
    ${column((row) => row.deadLetter.reason)}::text[],
    ${column((row) => JSON.stringify(row.deadLetter.attributes))}::jsonb[],
    ${column((row) => row.deadLetter.status)}::int[])`
}
