import { ConnectorError } from '../failure/connector-error.ts'

declare const rowKeyBrand: unique symbol

/** A column's value as the server's text, SQL NULL, or an out-of-line value that the change did not carry. */
export type ColumnValue = string | null | typeof unchanged

/** An unchanged TOASTed value: neither null nor absent. PostgreSQL manual, "Logical Replication Message Formats", TupleData `u`. */
export const unchanged: unique symbol = Symbol('unchanged')

/** A row by column name. It contains only columns that are published, or were read. */
export interface Row extends Iterable<readonly [column: string, value: ColumnValue]> {
  /** Returns undefined for a column that did not come. */
  get(column: string): ColumnValue | undefined
  values(): Iterable<ColumnValue>
}

/** A row's key columns as a JSON array of their text values, in the key's order. It names the row in the store and in the logs. */
export type RowKey = string & { readonly [rowKeyBrand]: true }

/** Returns the key of a row. @throws {ConnectorError} if a key column is missing, null or unchanged. */
export function rowKey(row: Row, columns: readonly string[]): RowKey {
  const [only] = columns
  // Fast path: most keys have one column, and every change needs its key.
  if (only !== undefined && columns.length === 1) {
    const value = keyValue(row, only)
    return (plainText.test(value) ? `["${value}"]` : JSON.stringify([value])) as RowKey
  }
  return JSON.stringify(columns.map((column) => keyValue(row, column))) as RowKey
}

/** Text that is the same in JSON. */
const plainText = /^[\w .:/-]*$/

function keyValue(row: Row, column: string): string {
  const value = row.get(column)
  if (typeof value !== 'string') {
    // The publication or the replica identity has changed.
    throw new ConnectorError('key column missing', `the key column "${column}" did not come with the change`)
  }
  return value
}

/** Returns a key that was read from the store. */
export function storedRowKey(text: string): RowKey {
  return text as RowKey
}

/** Returns the values of the key columns, in order. */
export function keyValues(key: RowKey): string[] {
  return JSON.parse(key) as string[]
}
