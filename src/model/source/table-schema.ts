/**
 * The part of the catalogs that gives the streamed rows of a table and its publication their meaning. With another table schema,
 * rows may have changed without a change in the stream. Everything but the key is opaque: it is compared, never parsed.
 */
export interface TableSchema {
  /** The table's object id: a table that replaces it under the same name has another one. */
  readonly table: string
  /** The publication, the table's place in it, and what it publishes. */
  readonly publication: string
  /** The index of the replica identity. */
  readonly identity: string
  /** The columns that name a row, each with the kind of its text. */
  readonly key: readonly { readonly column: string; readonly kind: string }[]
  /** The columns that are read, by name. */
  readonly columns: Readonly<Record<string, string>>
  /** The tables that contain a partitioned table's rows. */
  readonly partitions: string
}

/** Returns the relevant difference of the second schema, in words; null if there is none. Pure. */
export function alterationOf(before: Omit<TableSchema, 'key'>, after: Omit<TableSchema, 'key'>): string | null {
  if (before.table !== after.table) return 'another table has taken its place'
  if (before.publication !== after.publication) return 'its publication was altered'
  if (before.identity !== after.identity) return 'its key or replica identity was altered'
  // A column that the mapping has begun to read since is no alteration of the table.
  const altered = Object.keys(before.columns).filter(
    (name) => name in after.columns && before.columns[name] !== after.columns[name],
  )
  if (altered.length > 0) return `its ${altered.length === 1 ? 'column' : 'columns'} ${altered.join(', ')} were altered`
  if (before.partitions !== after.partitions) return 'partitions were attached or detached'
  return null
}

/** Returns true if rows keep their keys. Otherwise what is known of them by their old keys says nothing. Pure. */
export function isSameKey(before: TableSchema['key'], after: TableSchema['key']): boolean {
  return (
    before.length === after.length &&
    before.every(({ column, kind }, at) => after[at]?.column === column && after[at]?.kind === kind)
  )
}

const integers = ['smallint', 'integer', 'bigint']
const texts = ['text', 'character varying', 'name']

/** Returns the kind of a type. Types whose values have the same text are of one kind. */
export function keyKind(type: string): string {
  if (integers.includes(type)) return 'integer'
  return texts.includes(type) ? 'text' : type
}
