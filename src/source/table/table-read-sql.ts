import type { KeyColumn, TableFacts } from '../source-facts.ts'
import { qualifiedName, quoteIdentifier } from '../sql-names.ts'

export interface ReadableTable {
  readonly schema: string
  readonly table: string
  readonly kind: TableFacts['kind']
  readonly key: readonly KeyColumn[]
  /** The columns to read beside the key's. */
  readonly columns: readonly string[]
  /** The publication's row filter, as SQL over the table's columns. */
  readonly filter?: string | null
}

/**
 * Rows by key: one array of key texts for each key column. Each row is looked up by itself, so that no statistics make a scan
 * of the whole table of it. First the snapshot, then whether the row is published, then `columnsRead`.
 */
export function byKeySql(table: ReadableTable): string {
  const names = table.key.map((_, at) => `k${at}`).join(', ')
  const arrays = table.key.map((_, at) => `$${at + 1}::text[]`).join(', ')
  const same = table.key.map((column, at) => `${sorted(column)} ${column.equal} k.k${at}::${column.type}`).join(' and ')
  // `offset 0` keeps the planner from making a join of it.
  return withSnapshot(`select r.* from unnest(${arrays}) k(${names})
    cross join lateral (select ${selection(table)} from ${from(table)} t where ${same} offset 0) r`)
}

/**
 * The next rows in the key's order: after the key whose texts are the first parameters, or from the start. The last parameter
 * is how many. Rows that are not published come too, but for their values: what a page costs depends on its size alone.
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
 * Keys of published rows from some share of the table's blocks (`$1`, in percent), at most `$2` of them in no order: blocks
 * that are not chosen are not read. Of a partitioned table, blocks of each partition.
 */
export function sampleSql(table: ReadableTable): string {
  const { key, filter = null } = table
  const names = key.map(({ name }) => `t.${quoteIdentifier(name)}`).join(', ')
  const published = filter === null ? 'true' : `(${filter}) is true`
  return `select ${names} from ${from(table)} t tablesample system ($1::real)
    where ${published} order by random() limit $2`
}

/** How many rows the table has. */
export function countSql(table: ReadableTable): string {
  return `select count(*) as count from ${from(table)} t`
}

/** The planner's own estimate of a table's rows: from its size where it was never analysed, summed over its partitions. */
export function estimateSql(table: ReadableTable): string {
  return `explain (format json) select 1 from ${from(table)} t`
}

/** What a read selects of each row: the key's columns first. */
export function columnsRead({ key, columns }: Pick<ReadableTable, 'key' | 'columns'>): string[] {
  return [...new Set([...key.map(({ name }) => name), ...columns])]
}

/** The snapshot comes from the statement that reads the rows, and also if it finds none. One row joined to many keeps their order. */
function withSnapshot(rows: string): string {
  return `select s.snapshot, r.* from (select pg_current_snapshot()::text as snapshot) s left join (${rows}) r on true`
}

/** Rows of the table itself, not of tables that inherit from it: their changes are not the table's either. */
function from(table: ReadableTable): string {
  return `${table.kind === 'partitioned' ? '' : 'only '}${qualifiedName(table)}`
}

/** Values of rows that are not published stay in the database. */
function selection(table: ReadableTable): string {
  const { key, filter = null } = table
  const published = filter === null ? 'true' : `(${filter}) is true`
  const columns = columnsRead(table).map((name, at) => {
    const value = `t.${quoteIdentifier(name)}`
    return filter === null || at < key.length ? value : `case when ${published} then ${value} end`
  })
  return [published, ...columns].join(', ')
}

/**
 * The rows after a key, as conditions that an index answers from where it stands. (1) One operator for all columns: a row
 * comparison. (2) Several, as with an extension's type beside a built-in one: the rows after it in the first column, those that
 * share that one and come after it in the second, and so on. As one condition with `or`, they would be searched from the start.
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

/** The column as its index sorts it. */
function sorted({ name, collation }: KeyColumn): string {
  return `t.${quoteIdentifier(name)}${collation === null ? '' : ` collate ${collation}`}`
}
