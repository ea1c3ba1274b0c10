/**
 * What the catalogs say of the table and its publication that gives the streamed rows their meaning. With another shape, rows
 * may have changed without a change in the stream. Everything but the key is opaque: it is compared, never read.
 */
export interface TableShape {
  /** The table's object id: one that takes its place under its name has another. */
  readonly table: string
  /** The publication, the table's place in it, and what it publishes. */
  readonly publication: string
  /** The index that the replica identity goes by. */
  readonly identity: string
  /** The columns that name a row, each with the kind of text it has. */
  readonly key: readonly { readonly column: string; readonly kind: string }[]
  /** The columns that are read, by name. */
  readonly columns: Readonly<Record<string, string>>
  /** The tables that hold a partitioned table's rows. */
  readonly partitions: string
}

/** What is another in the second shape, in words; null: nothing that matters. Pure. */
export function alterationOf(before: Omit<TableShape, 'key'>, after: Omit<TableShape, 'key'>): string | null {
  if (before.table !== after.table) return 'another table has taken its place'
  if (before.publication !== after.publication) return 'its publication was altered'
  if (before.identity !== after.identity) return 'its key or replica identity was altered'
  // A column that the mapping has come to read since is no alteration of the table.
  const altered = Object.keys(before.columns).filter(
    (name) => name in after.columns && before.columns[name] !== after.columns[name],
  )
  if (altered.length > 0) return `its ${altered.length === 1 ? 'column' : 'columns'} ${altered.join(', ')} were altered`
  if (before.partitions !== after.partitions) return 'partitions were attached or detached'
  return null
}

/** Whether rows go by other names than before: what is known of them by their old keys says nothing then. Pure. */
export function isSameKey(before: TableShape['key'], after: TableShape['key']): boolean {
  return (
    before.length === after.length &&
    before.every(({ column, kind }, at) => after[at]?.column === column && after[at]?.kind === kind)
  )
}

const integers = ['smallint', 'integer', 'bigint']
const texts = ['text', 'character varying', 'name']

/** Types whose values are the same text are one kind. */
export function keyKind(type: string): string {
  if (integers.includes(type)) return 'integer'
  return texts.includes(type) ? 'text' : type
}
