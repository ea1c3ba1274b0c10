import { isDeepStrictEqual } from 'node:util'
import {
  adoptKey,
  type CurrentTableSchema,
  followAlteration,
  storeTableSchema,
} from '../../checkpoint/store/table-schema.ts'
import type { BackfillRunReason } from '../../model/progress/backfill-run.ts'
import { isSameKey, type TableSchema } from '../../model/source/table-schema.ts'
import { findAlteration, type TableAlteration } from '../../source/table/table-alteration.ts'
import { BlockedError } from '../blocked.ts'
import { type Judged, sourceTableOf } from '../identity/found-identity.ts'
import type { Reconciliation } from '../identity/reconcile-identity.ts'
import type { Resources } from '../resources.ts'

type Tools = Pick<Resources, 'settings' | 'source' | 'state' | 'telemetry'>

interface SchemaFacts {
  readonly checkpoint: Judged['checkpoint']
  readonly tableSchema: TableSchema
  /** True if the stream has brought rows of another table schema. They are read from the table, and a backfill finds their changes. */
  readonly alteredStream: boolean
  /** True if somebody has accepted another key for the rows. */
  readonly adoptsKey: boolean
}

/**
 * Compares the table with the stored schema and updates the checkpoint; null if the table was not altered. An altered table is read again:
 * alterations change rows, and the published part of them, without a change in the stream.
 * @throws {BlockedError} if the key changed and is not to be adopted, or if a column is gone that is sent under its own name.
 * @throws {ConnectorError} fenced
 */
export async function reconcileSchema(
  { settings, source, state, telemetry: { logger } }: Tools,
  { checkpoint, tableSchema, alteredStream, adoptsKey }: SchemaFacts,
): Promise<Reconciliation | null> {
  const { epoch, sourceTableSchema: before } = checkpoint
  const found: CurrentTableSchema = { epoch, tableSchema, sourceTable: sourceTableOf(settings) }
  if (before !== null && !isSameKey(before.key, tableSchema.key)) {
    const sentence = `rows of ${found.sourceTable} are now known by ${columnsOf(tableSchema)}, the state knows them by ${columnsOf(before)}`
    if (!adoptsKey) {
      throw new BlockedError(
        `${sentence}. Put the key back, or run "mediquo-cdc adopt": what the state knows of single rows is forgotten, and every row sent again`,
        epoch,
      )
    }
    const { rows } = await adoptKey(state.db, found)
    logger.warn({ rows, table: found.sourceTable }, 'the key of the table was changed: adopted, a backfill follows')
    return { kind: 'key changed', found: sentence, slot: 'kept', needsBackfill: true }
  }
  const gone = before === null ? [] : goneColumns(before, tableSchema, settings)
  if (gone.length > 0) {
    throw new BlockedError(
      `${found.sourceTable} has no column ${gone.join(', ')} any more, which is sent under its own name. Put it back, or write the mapping without it in the configuration`,
      epoch,
    )
  }
  const alteration =
    before === null ? null : await findAlteration(source.pool, settings.source.table, { before, after: tableSchema })
  if (alteration !== null || alteredStream) {
    await followAlteration(state.db, found, reasonOf(alteration, settings.source))
    const what = alteration?.what ?? 'it was altered and put back'
    logger.warn({ table: found.sourceTable, what }, 'the table was altered, a backfill follows')
    return {
      kind: 'table altered',
      found: `${found.sourceTable} was altered: ${what}`,
      slot: 'kept',
      needsBackfill: true,
    }
  }
  // Nothing to compare with, another name of the same table, or columns that the mapping has started to read.
  if (isDeepStrictEqual(before, tableSchema) && checkpoint.sourceTable === found.sourceTable) return null
  await storeTableSchema(state.db, found)
  return null
}

/** Rows that are gone by TRUNCATE of a partition stay as they are if TRUNCATE is to be ignored. */
function reasonOf(alteration: TableAlteration | null, { onTruncate }: Tools['settings']['source']): BackfillRunReason {
  return alteration?.kind === 'rows replaced' && onTruncate === 'ignore' ? 'rows replaced' : 'table altered'
}

/** Returns the columns that are gone. A written mapping fails without them; the default mapping could silently leave them out. */
function goneColumns(before: TableSchema, now: TableSchema, { mapping, transform }: Tools['settings']): string[] {
  if (mapping !== null || transform !== null) return []
  return Object.keys(before.columns).filter((column) => !(column in now.columns))
}

function columnsOf({ key }: TableSchema): string {
  return key.map(({ column }) => column).join(', ')
}
