import { and, asc, isNull, or, sql } from 'drizzle-orm'
import { invalidReasons, patientCode } from '../../model/patient/patient.ts'
import type { ListedDeadLetter } from '../../model/progress/dead-letter-overview.ts'
import type { DeadLetter } from '../../model/progress/stored-row.ts'
import { storedRowKey } from '../../model/source/row.ts'
import { keyOf, storedKeys } from './record/stored-key.ts'
import { deadLetterOf } from './rows.ts'
import { inTransaction, type StateDatabase } from './state-database.ts'
import { checkpoint, deadLetter } from './tables.ts'

/** Returns the dead letters, the oldest first. @param names codes, or the keys of rows without a code; null: all of them. */
export async function listDeadLetters(
  db: StateDatabase,
  names: readonly string[] | null,
): Promise<readonly ListedDeadLetter[]> {
  const found = await db
    .select()
    .from(deadLetter)
    .where(named(names))
    .orderBy(asc(deadLetter.firstAt), asc(deadLetter.sourceKey))
  return found.map(listedDeadLetter)
}

/** Returns a dead letter to be shown: without the API's own words. */
export function listedDeadLetter(row: typeof deadLetter.$inferSelect): ListedDeadLetter {
  return {
    ...withoutQuotes(deadLetterOf(row)),
    key: keyOf(row),
    code: row.code === null ? null : patientCode(row.code),
    attempts: row.attempts,
    firstAt: row.firstAt,
    lastAt: row.lastAt,
  }
}

/**
 * Removes dead letters permanently, serialized with the writes of a running connector. The row records in `delivery` stay: the
 * position keeps a replay from rejecting the rows again, and the code is what mediQuo may have of them. The fingerprint is unknown,
 * so that their next version is sent whatever it contains. @returns the number of removed dead letters.
 */
export async function discardDeadLetters(db: StateDatabase, names: readonly string[] | null): Promise<number> {
  return await inTransaction(db, async (tx) => {
    // Every write of a connector starts with an update of this row.
    await tx.select({ id: checkpoint.id }).from(checkpoint).for('update')
    const { rowCount } = await tx.delete(deadLetter).where(named(names))
    return rowCount ?? 0
  })
}

function withoutQuotes({
  attributes,
  reason,
  status,
}: DeadLetter): Pick<ListedDeadLetter, 'reason' | 'status' | 'attributes'> {
  return {
    reason,
    status,
    attributes: attributes.map(({ attribute, reason }) => ({
      attribute,
      reason: invalidReasons.find((known) => known === reason) ?? null,
    })),
  }
}

function named(names: readonly string[] | null) {
  if (names === null) return undefined
  const list = sql.param(names)
  return or(
    sql`${deadLetter.code} = any(${list})`,
    and(isNull(deadLetter.code), sql`${deadLetter.sourceKey} = any(${storedKeys(names.map(storedRowKey))})`),
  )
}
