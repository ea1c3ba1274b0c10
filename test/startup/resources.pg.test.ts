import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inTransaction } from '../../src/checkpoint/store/state-database.ts'
import { openResources } from '../../src/startup/resources.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { settingsOf } from '../config/loading.ts'
import { type TestDatabase, testDatabase } from '../support/postgres.ts'
import { tcpRelay } from '../support/tcp-relay.ts'
import { until } from '../support/until.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.dispose())

function open(url: string, queryTimeoutMs = 35_000) {
  const settings = settingsOf('source: { table: public.patients }', {
    DATABASE_URL: url,
    MEDIQUO_API_KEY: 'key',
    MEDIQUO_SECRET_KEY: 'secret',
  })
  return openResources({
    settings,
    telemetry: { logger: pino({ level: 'silent' }), metrics: createMetrics('0.0.0') },
    sessions: { environmentOptions: '', limits: { queryTimeoutMs, lifetimeSeconds: 60 } },
    onConnectionError: () => {},
  })
}

/** Ends the session that sleeps for this time, as a server does that shuts down. */
async function endSleeper(seconds: number): Promise<void> {
  await until(async () => {
    const ended = await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where query like 'select pg_sleep(' || $1::text || ')%' and state = 'active'`,
      [seconds],
    )
    return ended.length > 0
  })
}

// An error that is thrown outside of a test, here by the session itself, fails the run.
test('a session that is ended while it is in use fails its own query, and nothing else', async () => {
  const resources = open(database.url)
  const client = await resources.source.pool.connect()
  const closed = new Promise((resolve) => client.once('end', resolve))
  const reading = expect(client.query('select pg_sleep(101)')).rejects.toThrow()
  await endSleeper(101)
  await reading
  await closed
  client.release()

  const writing = expect(
    inTransaction(resources.state.db, (tx) => tx.execute(sql`select pg_sleep(102)`)),
  ).rejects.toThrow()
  await endSleeper(102)
  await writing
  expect((await resources.source.pool.query('select 1')).rowCount).toBe(1)
  expect((await resources.state.db.execute(sql`select 1`)).rowCount).toBe(1)
  await resources.close()
})

test('a transaction that cannot begin keeps no session', async () => {
  const url = new URL(database.url)
  await using relay = await tcpRelay(Number(url.port))
  url.port = String(relay.port)
  const resources = open(url.href, 300)
  for (let times = 0; times < 5; times++) {
    await resources.state.db.execute(sql`select 1`)
    relay.stall()
    await expect(inTransaction(resources.state.db, async () => undefined)).rejects.toThrow()
    relay.goOn()
  }
  expect((await resources.state.db.execute(sql`select 1`)).rowCount).toBe(1)
  await resources.close()
})
