import type { KeyColumn, TableFacts } from '../source-facts.ts'
import { qualifiedName, quoteIdentifier } from '../sql-names.ts'

export interface ReadableTable {
  readonly schema: string
  readonly table: string
  readonly kind: TableFacts['kind']
  readonly key: readonly KeyColumn[]
  /** Columns to read in addition to the key's. */
  readonly columns: readonly string[]
  /** Row filter of the publication, as SQL over the table's columns. */
  readonly filter?: string | null
}

/**
 * Returns the SQL that reads rows by key, with one array of key texts for each key column. It looks up each row by itself, so that the
 * planner never scans the whole table. Result: the snapshot, whether the row is published, then `columnsRead`.
 */
export function byKeySql(table: ReadableTable): string {
  const names = table.key.map((_, at) => `k${at}`).join(', ')
  const arrays = table.key.map((_, at) => `$${at + 1}::text[]`).join(', ')
  const same = table.key.map((column, at) => `${sorted(column)} ${column.equal} k.k${at}::${column.type}`).join(' and ')
  // `offset 0` keeps the planner from turning it into a join.
  return withSnapshot(`select r.* from unnest(${arrays}) k(${names})
    cross join lateral (select ${selection(table)} from ${from(table)} t where ${same} offset 0) r`)
}

/**
 * Returns the SQL that reads the next rows in the order of the key: after the key whose texts are the first parameters, or from the start.
 * The last parameter is the limit. Unpublished rows come too, without their values, so that the cost of a page depends on its size alone.
 */
export function pageSql(table: ReadableTable, { fromStart }: { readonly fromStart: boolean }): string {
  const order = table.key.map((column) => `${sorted(column)} ${column.order}`).join(', ')
  const inOrder = `order by ${order} limit $${fromStart ? 1 : table.key.length + 1}`
  const parts = fromStart ? ['true'] : after(table.key)
  const selects = parts.map((part) => `select ${selection(table)} from ${from(table)} t where ${part} ${inOrder}`)
  const [only = ''] = selects
  if (selects.length === 1) return withSnapshot(only)
  return withSnapshot(`select * from (${selects.map((select) => `(${select})`).join(' union all ')}) t ${inOrder}`)
}

/**
 * Returns the SQL that selects keys of published rows from a share of the table's blocks (`$1`, in percent), at most `$2` of them in no
 * order. Blocks that are not chosen are not read. For a partitioned table it samples the blocks of each partition.
 */
export function sampleSql(table: ReadableTable): string {
  const names = table.key.map(({ name }) => `t.${quoteIdentifier(name)}`).join(', ')
  return `select ${names} from ${from(table)} t tablesample system ($1::real)
    where ${isPublished(table)} order by random() limit $2`
}

/** Returns the SQL that counts the rows of the table. */
export function countSql(table: ReadableTable): string {
  return `select count(*) as count from ${from(table)} t`
}

/**
 * Returns the SQL of the planner's estimate of the row count: from the table's size if it was never analysed, summed over its partitions.
 */
export function estimateSql(table: ReadableTable): string {
  return `explain (format json) select 1 from ${from(table)} t`
}

/** Number of characters of a text by which rows are grouped: enough to tell its meaning, and the result stays small. */
const groupedCharacters = 200

/**
 * Returns the SQL that counts the published rows by the texts of some columns, in at most `limit` groups. The texts are those that the
 * stream brings, cut to 200 characters: a cast to text would write some types differently, and equal values of a type can have several
 * texts.
 */
export function groupSql(table: ReadableTable, columns: readonly string[], limit: number): string {
  const texts = columns.map((name, at) => {
    const value = `t.${quoteIdentifier(name)}`
    return `left(case when ${value} is not null then format('%s', ${value}) end, ${groupedCharacters}) as c${at}`
  })
  const names = columns.map((_, at) => `c${at}`)
  const grouped = names.length === 0 ? '' : ` group by ${names.join(', ')}`
  const rows = `select ${texts.join(', ')} from ${from(table)} t where ${isPublished(table)}`
  return `select ${['count(*)', ...names].join(', ')} from (${rows}) r${grouped} limit ${limit}`
}

/** Returns the SQL that reads some columns of published rows, in no order. */
export function excerptSql(table: ReadableTable, columns: readonly string[], limit: number): string {
  const values = columns.map((name) => `t.${quoteIdentifier(name)}`).join(', ')
  return `select ${values} from ${from(table)} t where ${isPublished(table)} limit ${limit}`
}

/** Returns the columns that a read selects, those of the key first. */
export function columnsRead({ key, columns }: Pick<ReadableTable, 'key' | 'columns'>): string[] {
  return [...new Set([...key.map(({ name }) => name), ...columns])]
}

/** Adds the snapshot of the statement that reads the rows, also if there are none. Joining one row to many keeps their order. */
function withSnapshot(rows: string): string {
  return `select s.snapshot, r.* from (select pg_current_snapshot()::text as snapshot) s left join (${rows}) r on true`
}

/** Reads the table itself and not the tables that inherit from it: their changes are not streamed as the table's either. */
function from(table: ReadableTable): string {
  return `${table.kind === 'partitioned' ? '' : 'only '}${qualifiedName(table)}`
}

/** Returns the condition that the publication streams a row. */
function isPublished({ filter = null }: ReadableTable): string {
  return filter === null ? 'true' : `(${filter}) is true`
}

/** Selects no values of unpublished rows: they stay in the database. */
function selection(table: ReadableTable): string {
  const { key, filter = null } = table
  const published = isPublished(table)
  const columns = columnsRead(table).map((name, at) => {
    const value = `t.${quoteIdentifier(name)}`
    return filter === null || at < key.length ? value : `case when ${published} then ${value} end`
  })
  return [published, ...columns].join(', ')
}

/**
 * Returns conditions for the rows after a key that an index scan can start from. (1) One operator for all columns: a row comparison. (2)
 * Several operators, as with an extension's type beside a built-in one: the rows after it in the first column, those with an equal first
 * column that come after it in the second, and so on. A single condition with `or` would search the index from its start.
 */
function after(key: readonly KeyColumn[]): string[] {
  const parameter = (column: KeyColumn, at: number) => `$${at + 1}::${column.type}`
  const [first] = key
  if (first && key.every((column) => column.after === first.after))
    return [`(${key.map(sorted).join(', ')}) ${first.after} (${key.map(parameter).join(', ')})`]
  return key.map((last, at) => {
    const shared = key.slice(0, at).map((column, i) => `${sorted(column)} ${column.equal} ${parameter(column, i)}`)
    return [...shared, `${sorted(last)} ${last.after} ${parameter(last, at)}`].join(' and ')
  })
}

/** Returns the column as its index sorts it. */
function sorted({ name, collation }: KeyColumn): string {
  return `t.${quoteIdentifier(name)}${collation === null ? '' : ` collate ${collation}`}`
}
