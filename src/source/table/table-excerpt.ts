import pg, { type ClientConfig } from 'pg'
import type { Row } from '../../model/source/row.ts'
import { qualifiedName, quoteIdentifier } from '../sql-names.ts'

const maxReadMs = 10_000

/** Returns some rows of the table with the text values that the stream would bring, in no order, for a proposal. They are not stored. */
export async function readExcerpt(
  config: ClientConfig,
  {
    columns,
    limit,
    ...table
  }: { readonly schema: string; readonly table: string; readonly columns: readonly string[]; readonly limit: number },
): Promise<Row[]> {
  const client = new pg.Client({ ...config, statement_timeout: maxReadMs })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const list = columns.map((column) => `t.${quoteIdentifier(column)}`).join(', ')
    const text = `select ${list} from ${qualifiedName(table)} t limit ${limit}`
    const { rows } = await client.query<(string | null)[]>({ text, rowMode: 'array' })
    return rows.map((values) => new Map(columns.map((column, at) => [column, values[at] ?? null])))
  } finally {
    await client.end()
  }
}
