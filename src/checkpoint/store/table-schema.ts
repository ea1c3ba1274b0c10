import { eq } from 'drizzle-orm'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import type { BackfillRunReason } from '../../model/progress/backfill-run.ts'
import type { TableSchema } from '../../model/source/table-schema.ts'
import { requestOnlyBackfill, requestWholeBackfill } from './backfill-runs.ts'
import { moveCheckpoint } from './slot-renewal.ts'
import { inTransaction, type StateDatabase } from './state-database.ts'
import { checkpoint, deadLetter, delivery } from './tables.ts'

/** The table schema as it is now, and the `epoch` under which the checkpoint was loaded. */
export interface CurrentTableSchema {
  readonly epoch: number
  readonly sourceTable: string
  readonly tableSchema: TableSchema
}

/** Stores the table schema and the table's name. @throws {ConnectorError} fenced */
export async function storeTableSchema(
  db: StateDatabase,
  { epoch, sourceTable, tableSchema }: CurrentTableSchema,
): Promise<void> {
  const noted = await db
    .update(checkpoint)
    .set({ sourceTable, sourceTableSchema: tableSchema })
    .where(eq(checkpoint.epoch, epoch))
    .returning({ id: checkpoint.id })
  if (noted.length === 0) throw new ConnectorError('fenced', 'another instance has taken over')
}

/** Stores an altered table schema, and requests a backfill: rows may have changed without a change in the stream. @throws {ConnectorError} fenced */
export async function followAlteration(
  db: StateDatabase,
  { epoch, sourceTable, tableSchema }: CurrentTableSchema,
  reason: BackfillRunReason,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    await moveCheckpoint(tx, epoch, { sourceTable, sourceTableSchema: tableSchema })
    await requestWholeBackfill(tx, reason)
  })
}

/**
 * Stores another key. The row records under the old keys are deleted, and the whole table is read. Patients whose rows are gone by
 * then stay as they are. @throws {ConnectorError} fenced
 */
export async function adoptKey(
  db: StateDatabase,
  { epoch, sourceTable, tableSchema }: CurrentTableSchema,
): Promise<{ readonly rows: number }> {
  return await inTransaction(db, async (tx) => {
    await moveCheckpoint(tx, epoch, {
      sourceTable,
      sourceTableSchema: tableSchema,
      horizonLsn: null,
      horizonOrdinal: null,
    })
    await tx.delete(deadLetter)
    const { rowCount } = await tx.delete(delivery)
    await requestOnlyBackfill(tx, 'table altered')
    return { rows: rowCount ?? 0 }
  })
}
