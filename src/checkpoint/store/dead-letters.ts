import { and, asc, isNull, or, sql } from 'drizzle-orm'
import { invalidReasons, patientCode } from '../../model/patient/patient.ts'
import type { ListedDeadLetter } from '../../model/progress/dead-letter-overview.ts'
import type { DeadLetter } from '../../model/progress/stored-row.ts'
import { deadLetterOf } from './rows.ts'
import { inTransaction, type StateDatabase } from './state-database.ts'
import { checkpoint, deadLetter } from './tables.ts'

/** The dead letters, the oldest first. @param names codes, or the keys of rows without one; null: all of them. */
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

/** As it may be shown: the API's own words are left out. */
export function listedDeadLetter(row: typeof deadLetter.$inferSelect): ListedDeadLetter {
  return {
    ...withoutQuotes(deadLetterOf(row)),
    key: row.sourceKey,
    code: row.code === null ? null : patientCode(row.code),
    attempts: row.attempts,
    firstAt: row.firstAt,
    lastAt: row.lastAt,
  }
}

/**
 * Removes dead letters permanently, in turn with a running connector's writes. What `delivery` says of the rows stays: the position
 * keeps a replay from rejecting them again, the code is what mediQuo may have of them, and the fingerprint is unknown, so
 * that their next version is sent whatever it holds. @returns how many there were.
 */
export async function discardDeadLetters(db: StateDatabase, names: readonly string[] | null): Promise<number> {
  return await inTransaction(db, async (tx) => {
    // Every write of a connector begins with this row.
    await tx.select({ id: checkpoint.id }).from(checkpoint).for('update')
    const { rowCount } = await tx.delete(deadLetter).where(named(names))
    return rowCount ?? 0
  })
}

function withoutQuotes({ attributes, ...letter }: DeadLetter): Pick<ListedDeadLetter, keyof DeadLetter> {
  return {
    ...letter,
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
    and(isNull(deadLetter.code), sql`${deadLetter.sourceKey} = any(${list})`),
  )
}
