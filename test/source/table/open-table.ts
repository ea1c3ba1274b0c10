import type { Pool } from 'pg'
import { type Row, type RowKey, rowKey } from '../../../src/model/source/row.ts'
import { sourceClientConfig } from '../../../src/source/connection/connection.ts'
import { gatherSourceFacts, type SourceFacts, type TableFacts } from '../../../src/source/source-facts.ts'
import type { ReadableTable } from '../../../src/source/table/table-read-sql.ts'
import { type TablePage, TableReader } from '../../../src/source/table/table-reader.ts'
import { newPool } from '../../support/postgres/connections.ts'
import { slotOf } from '../../support/postgres/library-stream.ts'
import { unsecured } from '../../support/postgres/unsecured.ts'
import type { TestDatabase } from '../../support/postgres.ts'

/** Settings of a database that change the text of an ordinary session. */
const contrary = [
  "datestyle = 'German, DMY'",
  "timezone = 'Asia/Tokyo'",
  "intervalstyle = 'sql_standard'",
  "bytea_output = 'escape'",
  'extra_float_digits = -10',
  "client_encoding = 'LATIN1'",
  'quote_all_identifiers = on',
  'search_path = public, pg_catalog',
]

/** Applies to sessions that are opened from now on. */
export async function makeContrary(database: TestDatabase): Promise<void> {
  for (const setting of contrary) await database.query(`alter database ${database.name} set ${setting}`)
}

/** Table as the connector finds it and reads it. */
export interface OpenTable extends AsyncDisposable {
  readonly facts: SourceFacts & { readonly table: TableFacts }
  readonly readable: ReadableTable
  readonly reader: TableReader
  /** Pool of sessions like those of the connector. */
  readonly pool: Pool
  /** Reads every page, one after another. */
  walk(limit: number): Promise<TablePage[]>
}

export interface OpenTableOptions {
  readonly schema?: string
  readonly table?: string
  /** Columns to read; all by default. */
  readonly columns?: readonly string[]
  readonly environmentOptions?: string
}

/** Reads `public.patients` by default, with the row filter of the publication `published`, if there is one. */
export async function openTable(database: TestDatabase, options: OpenTableOptions = {}): Promise<OpenTable> {
  const { schema = 'public', table = 'patients', environmentOptions = '' } = options
  const pool = newPool(
    sourceClientConfig({
      security: unsecured,
      url: database.url,
      environmentOptions,
      applicationName: 'test',
      connectTimeoutMs: 10_000,
    }),
  )
  const facts = await gatherSourceFacts(pool, {
    schema,
    table,
    publication: 'published',
    slot: slotOf(database),
    where: null,
  })
  if (!facts.table) throw new Error(`there is no table ${schema}.${table}`)
  const columns = options.columns ?? facts.table.columns.map(({ name }) => name)
  const filter = facts.publication?.rowFilter ?? null
  const readable = { schema, table, kind: facts.table.kind, key: facts.table.key, columns, filter }
  const reader = new TableReader(pool, readable)
  return {
    facts: { ...facts, table: facts.table },
    readable,
    reader,
    pool,
    async walk(limit) {
      const pages: TablePage[] = []
      for (let after: RowKey | null = null, isLast = false; !isLast; ) {
        const page: TablePage = await reader.page({ after, limit })
        if (after !== null && page.last === after) throw new Error(`the walk stands still at ${after}`)
        pages.push(page)
        isLast = page.isLast
        after = page.last ?? after
      }
      return pages
    },
    [Symbol.asyncDispose]: () => pool.end(),
  }
}

/** Reads the whole table without the connector's SQL, in the server's order for `order`. */
export async function wholeTable(
  { pool, readable, facts }: OpenTable,
  order: readonly string[] = facts.table.keyColumns,
): Promise<Map<RowKey, Row>> {
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
  const { rows } = await pool.query<Record<string, string | null>>(
    `select * from ${facts.table.kind === 'table' ? 'only' : ''} ${quoted(readable.schema)}.${quoted(readable.table)} order by ${order.map(quoted).join(', ')}`,
  )
  return new Map(
    rows.map((row): [RowKey, Row] => {
      const values: Row = new Map(Object.entries(row))
      return [rowKey(values, facts.table.keyColumns), values]
    }),
  )
}
