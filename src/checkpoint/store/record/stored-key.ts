import { createHash } from 'node:crypto'
import { type SQL, sql } from 'drizzle-orm'
import { type RowKey, storedRowKey } from '../../../model/source/row.ts'

/** Longest text that an index of PostgreSQL takes, bytes: an index tuple has at most 2,704, of which 12 are no text. */
const longestIndexed = 2_692

/** Returns true if the key is too long for an index: its hash takes its place in `source_key`, and `full_key` has the key. */
function isLong(key: RowKey): boolean {
  return key.length * 3 > longestIndexed && Buffer.byteLength(key) > longestIndexed
}

/** Returns the value of `source_key` for a key. A key is a JSON array, so that a hash is never taken for one. */
export function storedKey(key: RowKey): string {
  return isLong(key) ? `#${createHash('sha256').update(key).digest('hex')}` : key
}

/** Returns the value of `full_key` for a key: null if `source_key` has the key itself. */
export function fullKey(key: RowKey): string | null {
  return isLong(key) ? key : null
}

/** Returns keys as a parameter that is compared with `source_key`. */
export function storedKeys(keys: readonly RowKey[]): SQL {
  return sql`${sql.param(keys.map(storedKey))}`
}

/** Returns the key of a record. */
export function keyOf({ sourceKey, fullKey }: { readonly sourceKey: string; readonly fullKey: string | null }): RowKey {
  return storedRowKey(fullKey ?? sourceKey)
}

/** The key of a record as an expression of a query. */
export const keyColumn = sql.raw('coalesce(full_key, source_key)')
