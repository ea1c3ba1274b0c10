import { eq } from 'drizzle-orm'
import type { PassReason } from '../../model/progress/pass.ts'
import type { TableShape } from '../../model/source/table-shape.ts'
import { requestWholePass } from './passes.ts'
import { moveCheckpoint } from './slot-renewal.ts'
import { inTransaction, type StateDatabase } from './state-database.ts'
import { FencedError } from './store.ts'
import { checkpoint, deadLetter, delivery } from './tables.ts'

/** The table as it was found, and the run in which its state was loaded. */
export interface FoundShape {
  readonly run: number
  readonly sourceTable: string
  readonly shape: TableShape
}

/** Notes the shape, and the table's name. @throws {FencedError} */
export async function noteShape(db: StateDatabase, { run, sourceTable, shape }: FoundShape): Promise<void> {
  const noted = await db
    .update(checkpoint)
    .set({ sourceTable, sourceShape: shape })
    .where(eq(checkpoint.run, run))
    .returning({ id: checkpoint.id })
  if (noted.length === 0) throw new FencedError('another instance has taken over')
}

/** The table was altered: its rows may have changed unseen, so that a pass over it is asked for. @throws {FencedError} */
export async function followAlteration(
  db: StateDatabase,
  { run, sourceTable, shape }: FoundShape,
  reason: PassReason,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    await moveCheckpoint(tx, run, { sourceTable, sourceShape: shape })
    await requestWholePass(tx, reason)
  })
}

/**
 * Rows go by another key than before: what the state knows of them by their old keys is forgotten, and the whole table read.
 * Patients whose rows are gone by then stay as they are. @throws {FencedError}
 */
export async function adoptKey(
  db: StateDatabase,
  { run, sourceTable, shape }: FoundShape,
): Promise<{ readonly rows: number }> {
  return await inTransaction(db, async (tx) => {
    await moveCheckpoint(tx, run, { sourceTable, sourceShape: shape, horizonLsn: null, horizonOrdinal: null })
    await tx.delete(deadLetter)
    const { rowCount } = await tx.delete(delivery)
    await requestWholePass(tx, 'table altered')
    return { rows: rowCount ?? 0 }
  })
}
