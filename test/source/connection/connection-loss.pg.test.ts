import dns from 'node:dns'
import { describe, expect, test, vi } from 'vitest'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { patientsTable, type RunningConnector, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { newClient } from '../../support/postgres/connections.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { tcpRelay } from '../../support/tcp-relay.ts'
import { until } from '../../support/until.ts'

/** Writes rows that are all subscribed, so that both ends can be compared. */
async function write({ database }: { readonly database: TestDatabase }, from: number, to: number): Promise<void> {
  await database.query(
    `insert into patients (code, plan, email) select 'p' || i, 'premium', 'first@example.org' from generate_series($1::int, $2) i`,
    [from, to],
  )
  await database.query(`update patients set email = code || '@example.org', first_name = 'N' || length(code)`)
}

/** Returns the URL of the same server on another port. */
function through(url: string, port: number, host = '127.0.0.1'): string {
  const changed = new URL(url)
  changed.hostname = host
  changed.port = `${port}`
  return changed.href
}

/** Short limits, so that sessions that do not answer are closed soon. */
const sessions = { queryTimeoutMs: 4_000, lifetimeSeconds: 5 }

const lost = ({ log }: RunningConnector) =>
  log.filter(({ msg, state }) => msg === 'state changed' && state === 'starting')

describe.concurrent('sessions that an administrator ends', () => {
  test.each([
    ['the one that streams', `backend_type = 'walsender' and datname = current_database()`],
    ['every one', `datname = current_database() and pid <> pg_backend_pid()`],
  ])('%s: they are opened again, and nothing is missing', async (_, which) => {
    await using connector = await startConnector()
    await write(connector, 1, 150)
    await connector.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where ${which} and application_name = 'mediquo-cdc'`,
    )
    await write(connector, 151, 300)
    await expectBothEndsEqual(connector)
    await connector.whenState('streaming')
  })
})

describe.concurrent('a connection through which no data arrives any more', () => {
  test.each(['idle', 'in the middle of changes'])(
    '%s: it is replaced by another one',
    async (when) => {
      await using database = await testDatabase({ schema: patientsTable })
      // Twice this time of silence ends the connection.
      await database.query(`alter database ${database.name} set wal_sender_timeout = '2s'`)
      await using relay = await tcpRelay(Number(new URL(database.url).port))
      const environment = { DATABASE_URL: through(database.url, relay.port) }
      await using connector = await startConnector({ database, environment, sessions })
      await write(connector, 1, 100)
      if (when === 'idle') await expectBothEndsEqual(connector)
      relay.stall()
      await write(connector, 101, 200)
      relay.goOn()
      await until(() => lost(connector).length > 0, { deadlineMs: 60_000 })
      await write(connector, 201, 300)
      await until(async () => connector.sandbox.patients().size === 300, { deadlineMs: 60_000 })
      await expectBothEndsEqual(connector)
    },
    150_000,
  )

  test('while memory is full and nothing is read from it: it is replaced by another one', async () => {
    await using database = await testDatabase({ schema: patientsTable })
    await database.query(`alter database ${database.name} set wal_sender_timeout = '2s'`)
    await using relay = await tcpRelay(Number(new URL(database.url).port))
    const environment = { DATABASE_URL: through(database.url, relay.port) }
    // The backlog is delivered within seconds.
    await using sandbox = await testSandbox({ settings: { rateLimit: { limit: 100_000 } } })
    const config = { mediquo: { requestsPerMinute: 6_000 } }
    await using connector = await startConnector({ database, sandbox, environment, sessions, config })
    sandbox.faults.add({ kind: 'status', status: 503, times: null })
    const insert = (from: number, to: number) =>
      database.query(
        `insert into patients (code, plan) select 'p' || i, 'premium' from generate_series($1::int, $2::int) i`,
        [from, to],
      )
    for (let from = 1; from < 24_000; from += 500) await insert(from, from + 499)
    // Paused: the connector takes no more of the WAL, though there is more.
    let received: string | null = null
    let equalLooks = 0
    await until(
      async () => {
        const { source, delivery } = await connector.status()
        equalLooks = source.receivedLsn === received ? equalLooks + 1 : 0
        received = source.receivedLsn
        return delivery.pending > 10_000 && delivery.pending < 24_000 && equalLooks >= 40
      },
      { deadlineMs: 60_000 },
    )
    relay.stall()
    const isServed = async () => {
      const [row] = await database.query('select active from pg_replication_slots where slot_name = $1', [
        connector.slot,
      ])
      return row?.active === 't'
    }
    await until(async () => !(await isServed()), { deadlineMs: 60_000 })
    relay.goOn()
    await until(() => lost(connector).length > 0, { deadlineMs: 60_000 })
    sandbox.faults.clear()
    await until(() => sandbox.patients().size === 24_000, { deadlineMs: 120_000 })
    await expectBothEndsEqual(connector)
  }, 240_000)

  test('and is finally reset: another one is opened', async () => {
    await using database = await testDatabase({ schema: patientsTable })
    await using relay = await tcpRelay(Number(new URL(database.url).port))
    await using connector = await startConnector({
      database,
      environment: { DATABASE_URL: through(database.url, relay.port) },
    })
    for (let round = 0; round < 3; round++) {
      await write(connector, 100 * round + 1, 100 * round + 100)
      relay.reset()
    }
    await until(() => connector.sandbox.patients().size === 300, { deadlineMs: 60_000 })
    await expectBothEndsEqual(connector)
  })
})

describe.concurrent('a host name', () => {
  test('that resolves to another address later is resolved again', async () => {
    await using database = await testDatabase({ schema: patientsTable })
    const server = Number(new URL(database.url).port)
    await using before = await tcpRelay(server, { host: '127.0.0.1' })
    await using after = await tcpRelay(server, { host: '127.0.0.2', port: before.port })
    let address = '127.0.0.1'
    const asked: string[] = []
    const lookup = dns.lookup
    using spy = vi.spyOn(dns, 'lookup')
    spy.mockImplementation(((name: string, options: object, done: unknown) => {
      if (name !== 'database.hospital.test') return Reflect.apply(lookup, dns, [name, options, done])
      asked.push(address)
      const answer = 'all' in options && options.all ? [null, [{ address, family: 4 }]] : [null, address, 4]
      setImmediate(() => Reflect.apply(done as () => void, null, answer))
    }) as typeof dns.lookup)
    await using connector = await startConnector({
      database,
      environment: { DATABASE_URL: through(database.url, before.port, 'database.hospital.test') },
    })
    await write(connector, 1, 50)
    await expectBothEndsEqual(connector)
    address = '127.0.0.2'
    await before.close()
    await write(connector, 51, 100)
    await until(() => connector.sandbox.patients().size === 100, { deadlineMs: 60_000 })
    await expectBothEndsEqual(connector)
    expect(new Set(asked)).toEqual(new Set(['127.0.0.1', '127.0.0.2']))
    void after
  })
})

describe.concurrent('wal_sender_timeout', () => {
  test.each(['0', '1s', '60s'])(
    'of %s: a large transaction and an API that is down end no connection',
    async (timeout) => {
      await using database = await testDatabase({ schema: patientsTable })
      await database.query(`alter database ${database.name} set wal_sender_timeout = '${timeout}'`)
      await using connector = await startConnector({ database, intervals: { statusMs: 1_000 } })
      const { sandbox } = connector
      sandbox.faults.add({ kind: 'hold', id: 'api', times: null })
      // More rows than a transaction may have if its rows wait for its commit.
      await database.query(
        `insert into patients (code, plan) select 'p' || i, 'premium' from generate_series(1, 6000) i`,
      )
      await sandbox.faults.whenHeld('api')
      const senders = () =>
        database.query(
          `select pid, reply_time from pg_stat_replication where pid in (select active_pid from pg_replication_slots where slot_name = $1)`,
          [connector.slot],
        )
      const [first] = await senders()
      // Longer than the shortest of them: keepalives have arrived and been answered.
      await until(async () => {
        const [now] = await senders()
        return (
          Date.parse(now?.reply_time ?? '') - Date.parse(first?.reply_time ?? '') > 2_500 && now?.pid === first?.pid
        )
      })
      // Releases the held requests as well.
      sandbox.faults.clear()
      await until(() => sandbox.patients().size === 6_000, { deadlineMs: 60_000 })
      await connector.whenAcknowledged()
      await expectBothEndsEqual(connector)
      expect(lost(connector)).toEqual([])
    },
    120_000,
  )
})

// On servers of their own: the transaction holds up the slots of every other test.
describe.concurrent('a transaction that is open while the slot is created', () => {
  test('delays the slot, and is reported; the slot is created once the transaction has ended', async () => {
    await using server = await ownServer()
    await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
    await using session = await openTransaction(database)
    await using connector = await startConnector({ database, waitFor: null })
    await connector.whenLogged('the replication slot is not made yet: it waits for transactions that are open')
    await session.commit()
    await connector.whenState('streaming')
    await write(connector, 2, 20)
    await expectBothEndsEqual(
      connector,
      'select code, first_name, last_name, gender, birth_date::text as birth_date, email, plan from patients',
    )
  })

  test('does not block the shutdown of the connector, and leaves no slot behind', async () => {
    await using server = await ownServer()
    await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
    await using _session = await openTransaction(database)
    await using connector = await startConnector({ database, waitFor: null })
    await connector.whenLogged('the replication slot is not made yet: it waits for transactions that are open')
    await connector.stop()
    await connector.ended
    expect(
      await database.query('select slot_name from pg_replication_slots where database = current_database()'),
    ).toEqual([])
  })
})

/** Opens a session that has written a row and is idle in its transaction. */
async function openTransaction(database: TestDatabase) {
  const client = newClient({ connectionString: database.url })
  await client.connect()
  await client.query('begin')
  await client.query(`insert into patients (code, plan) values ('p1', 'premium')`)
  return {
    commit: () => client.query('commit'),
    [Symbol.asyncDispose]: () => client.end(),
  }
}
