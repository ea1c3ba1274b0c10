import type { Relation } from '../../model/source/change.ts'
import type { TableFacts } from '../../source/source-facts.ts'

/** Table as the catalogs described it during the preparation. */
export interface ExpectedTable {
  readonly schema: string
  readonly table: string
  readonly oid: number
  readonly keyColumns: readonly string[]
  /** Columns that the mapping reads, and those of the key, with their types as the stream names them. */
  readonly types: ReadonlyMap<string, number>
}

/** Returns the table as the stream should describe it, given the mapped columns. */
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
 * Compares a relation of the stream with the table: `ours` if it fits, `other` if it is another table, else the difference. The object id
 * identifies the table, whatever its name was then. A table that had the name at that time is possibly replaced by now.
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
  // Changes contain old values only of the columns in the identity.
  const unidentified = keyColumns.filter((column) => !streamed.get(column)?.inIdentity)
  if (unidentified.length === 0) return 'ours'
  return { sentence: `the rows of ${name} are no longer identified by ${unidentified.join(', ')}` }
}
