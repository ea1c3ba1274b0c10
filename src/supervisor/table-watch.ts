import { isDeepStrictEqual } from 'node:util'
import type { TableSchema } from '../model/source/table-schema.ts'
import type { Xid } from '../model/source/visibility.ts'
import { findAlteration, type TableAlteration } from '../source/table/table-alteration.ts'
import { readTableSchema } from '../source/table/table-schema.ts'
import type { Resources } from '../startup/resources.ts'

/**
 * Compares the table with the schema for which the pipeline was prepared. A difference that changed no row is stored, so that a later
 * look and a restart do not ask about it again. @returns how it was altered, or its present schema.
 */
export async function lookAtTable(
  { settings, source: { pool }, state }: Pick<Resources, 'settings' | 'source' | 'state'>,
  before: TableSchema,
  streamedTruncate: Xid | null,
): Promise<TableAlteration | TableSchema> {
  const { table, publication } = settings.source
  const found = await readTableSchema(pool, { ...table, publication, columns: Object.keys(before.columns) })
  if (!found) return { kind: 'altered', what: 'it is gone' }
  // Never stored here: the stored schema is what tells that a column is gone which is sent under its own name.
  const gone = Object.keys(before.columns).filter((column) => !(column in found.columns))
  if (gone.length > 0) return { kind: 'altered', what: `it has no column ${gone.join(', ')} any more` }
  const alteration = await findAlteration(pool, table, { before, after: found, streamedTruncate })
  if (alteration) return alteration
  const after = { ...found, key: before.key }
  if (!isDeepStrictEqual({ ...before, xmin: found.xmin }, after)) await state.store.noteTableSchema(after)
  return after
}
