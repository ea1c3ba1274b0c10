import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import { requireSettings } from './session/require-settings.ts'
import * as tables from './tables.ts'

export type StateDatabase = ReturnType<typeof openStateDatabase>['db']

/** Opens a pool for the store's tables, found through the search path; `schema` is a validated identifier. */
export function openStateDatabase(options: {
  /** Address and encryption of the connection; the libpq variables supply what is missing. */
  readonly connection: Pick<pg.PoolConfig, 'connectionString' | 'ssl'>
  readonly schema: string
  readonly applicationName: string
  readonly onConnectionError: (error: Error) => void
  /** No timeout by default: somebody watches a command. */
  readonly queryTimeoutMs?: number
  readonly lifetimeSeconds?: number
}) {
  const pool = new pg.Pool({
    ...withSessionOptions(options.connection, options.schema),
    onConnect: (client) => prepareSession(client, options.schema),
    application_name: options.applicationName,
    connectionTimeoutMillis: 10_000,
    ...(options.queryTimeoutMs !== undefined && { query_timeout: options.queryTimeoutMs }),
    max: 4,
    idleTimeoutMillis: 30_000,
    // Our sessions must not delay the server's smart shutdown for long.
    maxLifetimeSeconds: options.lifetimeSeconds ?? 60,
    keepAlive: true,
  })
  pool.on('error', options.onConnectionError)
  // The pool does not listen to a client in use: an unhandled error of the connection would end the process. The query in progress
  // fails too.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return { db: drizzle(pool, { schema: tables }), pool, close: () => pool.end() }
}

/**
 * Prepares a session, whatever the role, the database or the URL sets:
 * - Commits survive a crash of the server. Nothing changes where they are flushed already: waiting for a standby, or not, is the customer's
 *   decision.
 * - In a database with a single-byte encoding, text is stored as its UTF-8 bytes. PostgreSQL would refuse every character that the encoding
 *   lacks otherwise, and with it the write of all rows.
 *
 * @throws {ConnectorError} protocol unsupported
 */
async function prepareSession(client: pg.ClientBase, schema: string): Promise<void> {
  await requireSettings(client, { search_path: schema, lock_timeout: '5s', statement_timeout: '30s' }, 'the state')
  await client.query(prepareSessionSql)
}

const prepareSessionSql = `select
    case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'local', false) end,
    case when pg_encoding_max_length(d.encoding) = 1 then set_config('client_encoding', 'SQL_ASCII', false) end
  from pg_catalog.pg_database d where d.datname = current_database()`

/**
 * Appends our session options to those of the URL, which would replace them otherwise (fact 8). Ours come last, so that they win: the
 * tables are found in their schema, and times are read as they are written.
 */
function withSessionOptions(
  { connectionString, ...connection }: Pick<pg.PoolConfig, 'connectionString' | 'ssl'>,
  schema: string,
): pg.PoolConfig {
  const ours = [
    `search_path=${schema}`,
    'datestyle=ISO',
    'timezone=UTC',
    'lock_timeout=5s',
    'statement_timeout=30s',
    'plan_cache_mode=force_custom_plan',
  ]
    .map((setting) => `-c ${setting}`)
    .join(' ')
  if (connectionString === undefined) return { ...connection, options: ours }
  const url = new URL(connectionString)
  const own = url.searchParams.get('options') ?? ''
  url.searchParams.delete('options')
  return { ...connection, connectionString: url.toString(), options: `${own} ${ours}`.trim() }
}

type Transaction = Parameters<Parameters<StateDatabase['transaction']>[0]>[0]

/** Runs one transaction. Drizzle's own never releases the session if its BEGIN fails, until the pool is empty. */
export async function inTransaction<T>(db: StateDatabase, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const client = await db.$client.connect()
  try {
    const result = await drizzle(client, { schema: tables }).transaction(work)
    client.release()
    return result
  } catch (error) {
    // The connection may be dead: do not reuse it.
    client.release(true)
    throw error
  }
}

/** The migrations, as drizzle-kit wrote them. */
export const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url))

/**
 * Brings the store's tables to this version, in one transaction, one instance at a time. The schema is created only if it is
 * missing, so that a role without the right to create schemas can use an existing one. @throws {ConnectorError} state schema missing
 */
export async function migrateState(db: StateDatabase, schema: string): Promise<void> {
  await inTransaction(db, async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext(${`mediquo_cdc ${schema}`}))`)
    const found = await tx.execute(sql`select 1 from pg_namespace where nspname = ${schema}`)
    if (found.rows.length === 0) {
      const may = await tx.execute<{ may: boolean }>(
        sql`select has_database_privilege(current_database(), 'create') as may`,
      )
      if (!may.rows[0]?.may) {
        throw new ConnectorError(
          'state schema missing',
          `the state's schema does not exist and may not be made: CREATE SCHEMA ${schema} AUTHORIZATION the connector's user;`,
        )
      }
      await tx.execute(sql`create schema ${sql.identifier(schema)}`)
    }
    await tx.execute(
      sql`create table if not exists migration (hash text primary key, applied_at timestamptz not null default now())`,
    )
    const applied = await tx.execute<{ hash: string }>(sql`select hash from migration`)
    const done = new Set(applied.rows.map(({ hash }) => hash))
    for (const migration of readMigrationFiles({ migrationsFolder })) {
      if (done.has(migration.hash)) continue
      for (const statement of migration.sql) await tx.execute(sql.raw(statement))
      await tx.execute(sql`insert into migration (hash) values (${migration.hash})`)
    }
  })
}
