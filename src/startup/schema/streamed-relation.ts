import type { Relation } from '../../model/source/change.ts'
import type { TableFacts } from '../../source/source-facts.ts'

/** The table as the catalogs had it when the pipeline was made ready. */
export interface ExpectedTable {
  readonly schema: string
  readonly table: string
  readonly oid: number
  readonly keyColumns: readonly string[]
  /** The columns that the mapping reads, and the key's, with their types as the stream names them. */
  readonly types: ReadonlyMap<string, number>
}

/** What is expected of the stream, given what is mapped. */
export function expectedTable(
  name: { readonly schema: string; readonly table: string },
  facts: Pick<TableFacts, 'oid' | 'keyColumns' | 'columns'>,
  mapped: readonly string[],
): ExpectedTable {
  const { oid, keyColumns } = facts
  const needed = new Set([...keyColumns, ...mapped])
  const columns = facts.columns.filter(({ name: column }) => needed.has(column))
  const types = new Map(columns.map(({ name: column, declaredTypeOid }) => [column, declaredTypeOid]))
  return { schema: name.schema, table: name.table, oid, keyColumns, types }
}

/**
 * What a relation of the stream is to us: `ours` as it is expected, `other` if it is another table, else what is different. The
 * table is known by its object id, whatever it was called by then; one that had its name at that time may have been replaced since.
 */
export function relationFit(
  relation: Relation,
  expected: ExpectedTable,
): 'ours' | 'other' | { readonly sentence: string } {
  const { schema, table, oid, keyColumns, types } = expected
  const name = `${schema}.${table}`
  if (relation.oid !== oid) {
    const hadItsName = relation.schema === schema && relation.table === table
    return hadItsName ? { sentence: `another table is, or was, called ${name}` } : 'other'
  }
  const streamed = new Map(relation.columns.map((column) => [column.name, column]))
  const missing = [...types.keys()].filter((column) => !streamed.has(column))
  if (missing.length > 0) return { sentence: `the table ${name} does not publish ${missing.join(', ')}` }
  const retyped = [...types]
    .filter(([column, type]) => streamed.get(column)?.typeOid !== type)
    .map(([column]) => column)
  if (retyped.length > 0) return { sentence: `the table ${name} has another type of ${retyped.join(', ')}` }
  // Changes carry the old values of the identity's columns alone.
  const unidentified = keyColumns.filter((column) => !streamed.get(column)?.inIdentity)
  if (unidentified.length === 0) return 'ours'
  return { sentence: `the rows of ${name} are no longer identified by ${unidentified.join(', ')}` }
}
