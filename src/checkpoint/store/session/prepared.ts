import { createHash } from 'node:crypto'
import type { SQL } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { QueryResultRow } from 'pg'
import type { StateDatabase } from '../state-database.ts'

const dialect = new PgDialect()

/**
 * Executes a statement that each session parses once, and plans each time for the values at hand: a plan that is kept would be of the table
 * as it was when it was empty. A request waits for such statements. @returns the rows. @throws {pg.DatabaseError} as the server refused it
 */
export async function executePrepared<Row extends QueryResultRow>(db: StateDatabase, statement: SQL): Promise<Row[]> {
  const { sql: text, params } = dialect.sqlToQuery(statement)
  const { rows } = await db.$client.query<Row>({ name: statementName(text), text, values: params })
  return rows
}

/** Returns the same name for the same text, in every process: a pooler may hand a session on. */
export function statementName(text: string): string {
  return `mediquo_cdc_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
}
