/**
 * The part of the catalogs that gives the streamed rows of a table and its publication their meaning, and that changes whenever rows
 * change without a change in the stream. Texts are opaque: they are compared, never parsed.
 */
export interface TableSchema {
  /** The table's object id: a table that replaces it under the same name has another one. */
  readonly table: string
  /** The publication, the table's place in it, and what it publishes. */
  readonly publication: string
  /** True if the publication lists the table itself: such a table cannot be set unlogged. */
  readonly isListed: boolean
  /** The index of the replica identity. */
  readonly identity: string
  /** The columns that name a row, each with the kind of its text. */
  readonly key: readonly { readonly column: string; readonly kind: string }[]
  /** The columns that are read, by name. */
  readonly columns: Readonly<Record<string, ColumnSchema>>
  /** The tables with the rows, by object id: the table, or the partitions. */
  readonly storage: Readonly<Record<string, TableStorage>>
  /** Transaction id before which every transaction had ended when the schema was read. */
  readonly xmin: string
}

export interface ColumnSchema {
  /** Number, type and type modifier. */
  readonly type: string
  /** Labels of the enums in its type, by object id, each with the transaction that wrote it. */
  readonly labels: Readonly<Record<string, string>>
  /** Transaction that wrote the column's catalog row. GRANT, SET STORAGE and a default write it too. */
  readonly writtenBy: string
}

/** One table that stores rows. */
export interface TableStorage {
  /** The transactions that attached it, and the tables above it. */
  readonly attached: string
  readonly persistence: string
  /** Transaction that wrote the table's catalog row. TRUNCATE writes it, and VACUUM does not. */
  readonly writtenBy: string
  /** File of the rows, which TRUNCATE, VACUUM FULL and each rewrite replace. */
  readonly file: string
  /** TOAST table, which a rewrite replaces and VACUUM FULL keeps; 0: none. */
  readonly toast: string
}

/** A table with rows for which only its rows tell if something changed. */
export interface Doubt {
  readonly table: string
  /** `has rows`: a partition that was attached. `kept rows`: a table whose file was replaced. */
  readonly question: 'has rows' | 'kept rows'
}

export interface TableComparison {
  /** The relevant difference in words; null if there is none. */
  readonly alteration: string | null
  readonly doubts: readonly Doubt[]
}

/** Compares two schemas of a table. Pure. */
export function compareTableSchemas(
  before: Omit<TableSchema, 'key'>,
  after: Omit<TableSchema, 'key'>,
): TableComparison {
  return { alteration: alterationOf(before, after), doubts: doubtsOf(before, after) }
}

function alterationOf(before: Omit<TableSchema, 'key'>, after: Omit<TableSchema, 'key'>): string | null {
  // Stored by an earlier version.
  if (before.storage === undefined) return 'it was described in another way'
  if (before.table !== after.table) return 'another table has taken its place'
  if (before.publication !== after.publication) return 'its publication was altered'
  if (before.identity !== after.identity) return 'its key or replica identity was altered'
  const altered = bothColumns(before, after).filter(([, old, now]) => old.type !== now.type || isRelabelled(old, now))
  const names = altered.map(([name]) => name)
  if (names.length > 0) return `its ${names.length === 1 ? 'column' : 'columns'} ${names.join(', ')} were altered`
  const storages = Object.entries(before.storage).map(([oid, old]) => ({ old, now: after.storage[oid] }))
  if (storages.some(({ old, now }) => now?.attached !== old.attached)) return 'partitions were attached or detached'
  if (storages.some(({ old, now }) => now?.persistence !== old.persistence)) return 'it was set unlogged or logged'
  return null
}

/** A column that the mapping has begun to read since is no alteration of the table. */
function bothColumns(before: Pick<TableSchema, 'columns'>, after: Pick<TableSchema, 'columns'>) {
  return Object.entries(before.columns).flatMap(([name, old]) => {
    const now = after.columns[name]
    return now ? [[name, old, now] as const] : []
  })
}

/** Returns true if a label was renamed, there and back too: the text of rows has changed. A label that was added is in no row yet. */
function isRelabelled({ labels: before }: ColumnSchema, { labels: after }: ColumnSchema): boolean {
  return Object.entries(before).some(([oid, writtenBy]) => oid in after && after[oid] !== writtenBy)
}

function doubtsOf(before: Omit<TableSchema, 'key'>, after: Omit<TableSchema, 'key'>): Doubt[] {
  const isWritten = bothColumns(before, after).some(([, old, now]) => old.writtenBy !== now.writtenBy)
  return Object.entries(after.storage).flatMap(([table, now]): Doubt[] => {
    const old = before.storage?.[table]
    if (!old) return [{ table, question: 'has rows' }]
    if (old.file === now.file) return []
    // The stream brings TRUNCATE of the table itself. A rewrite changes rows if it is of a column that is read.
    const isTold =
      table === after.table && !isWritten && (after.isListed || (now.toast === old.toast && now.toast !== '0'))
    return isTold ? [] : [{ table, question: 'kept rows' }]
  })
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
