import type { Pool } from 'pg'
import { type Lsn, parseLsn } from '../model/lsn.ts'
import { keyValues, type Row, type RowKey, rowKey } from '../model/row.ts'
import { parseSnapshot, type Snapshot } from '../model/visibility.ts'
import { qualifiedName, quoteIdentifier } from './sql-names.ts'

/** Rows as one statement's snapshot saw them; keys that were asked for and are not in `rows` did not exist in it. */
export interface TableRead {
  readonly snapshot: Snapshot
  readonly snapshotText: string
  readonly rows: ReadonlyMap<RowKey, Row>
  /** The WAL insert position taken after the snapshot. */
  readonly endLsn: Lsn
}

export interface ReadableTable {
  readonly schema: string
  readonly table: string
  readonly keyColumns: readonly string[]
  readonly columns: readonly { readonly name: string; readonly type: string }[]
}

/** Reads rows by key, each read with its own snapshot, values as the stream brings them: the server's text. */
export class TableReader {
  readonly #pool: Pool
  readonly #table: ReadableTable
  readonly #byKey: string

  constructor(pool: Pool, table: ReadableTable) {
    this.#pool = pool
    this.#table = table
    const types = new Map(table.columns.map(({ name, type }) => [name, type]))
    const keys = table.keyColumns.map(quoteIdentifier).join(', ')
    const arrays = table.keyColumns
      .map((column, at) => `$${at + 1}::text[]::${types.get(column) ?? 'text'}[]`)
      .join(', ')
    const all = table.columns.map(({ name }) => `t.${quoteIdentifier(name)}`).join(', ')
    // The snapshot comes from the statement that reads the rows, and also if it finds none.
    this.#byKey = `select s.snapshot as " snapshot", r.* from (select pg_current_snapshot()::text as snapshot) s
      left join (select ${all} from ${qualifiedName(table)} t where (${keys}) in (select * from unnest(${arrays}))) r on true`
  }

  async byKey(keys: readonly RowKey[]): Promise<TableRead> {
    const values = keys.map(keyValues)
    const columns = this.#table.keyColumns.map((_, at) => values.map((key) => key[at] ?? null))
    const client = await this.#pool.connect()
    try {
      const found = await client.query<Record<string, string | null>>(this.#byKey, columns)
      const end = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn')
      const snapshotText = found.rows[0]?.[' snapshot'] ?? ''
      const rows = new Map<RowKey, Row>()
      for (const { ' snapshot': _, ...row } of found.rows) {
        const values: Row = new Map(Object.entries(row))
        if (this.#table.keyColumns.some((column) => values.get(column) === null)) continue
        rows.set(rowKey(values, this.#table.keyColumns), values)
      }
      return { snapshot: parseSnapshot(snapshotText), snapshotText, rows, endLsn: parseLsn(end.rows[0]?.lsn ?? '') }
    } finally {
      client.release()
    }
  }
}
