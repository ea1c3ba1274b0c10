import { randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import { inject } from 'vitest'
import { newClient, newPool } from './postgres/connections.ts'

/** Database for one test, on a real server. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string
  /** Connection string of a superuser. */
  readonly url: string
  /** Returns rows with every value as the server's text, or null. */
  query(sql: string, values?: readonly unknown[]): Promise<Record<string, string | null>[]>
  dispose(): Promise<void>
}

/** Major version of the server, for example 17. Tests of newer features are skipped. */
export const postgresMajor = inject('postgresMajor')

/** By files: otherwise the WAL contains the whole template for each database, and each walsender of the server reads it. */
const copied = postgresMajor < 15 ? '' : 'STRATEGY file_copy'

/** Options for the creation of a database. */
export interface TestDatabaseOptions {
  /** SQL that runs first in it. */
  readonly schema?: string
  /** Server of the test (`ownServer().url()`); the shared one by default. */
  readonly serverUrl?: string
  /** Encoding; UTF8 by default. */
  readonly encoding?: string
}

/**
 * Creates an empty database: `await using database = await testDatabase()`. It is dropped with its slots and sessions at the end of the
 * scope.
 */
export async function testDatabase({
  schema,
  serverUrl = inject('postgresUrl'),
  encoding = 'UTF8',
}: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const options = `TEMPLATE template0 ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' ${copied}`
  await onServer(serverUrl, (client) => client.query(`CREATE DATABASE ${name} ${options}`))
  const opened = openDatabase(withDatabase(serverUrl, name), name)
  const dispose = async () => {
    await opened.dispose()
    await onServer(serverUrl, (client) => drop(client, name))
  }
  if (schema !== undefined) await opened.query(schema)
  return { ...opened, dispose, [Symbol.asyncDispose]: dispose }
}

/** Opens an existing database, and keeps it. */
export function openDatabase(url: string, name: string): TestDatabase {
  const pool = newPool({ connectionString: url, max: 4, types: { getTypeParser: () => asText } })
  const dispose = () => pool.end()
  return {
    name,
    url,
    async query(sql, values = []) {
      const { rows } = await pool.query<Record<string, string | null>>(sql, [...values])
      return rows
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}

/** Drops a database with its slots. A database with slots cannot be dropped, and neither can a slot in use. */
async function drop(client: Client, name: string): Promise<void> {
  await client.query(
    `SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE database = $1 AND active_pid IS NOT NULL`,
    [name],
  )
  await client.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1`, [name])
  await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
}

async function onServer(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = newClient({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

function asText(value: string): string {
  return value
}
