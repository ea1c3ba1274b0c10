import { expect, test } from 'vitest'
import { PgoutputDecoder } from '../../../src/decode/pgoutput.ts'
import type { WalEvent } from '../../../src/model/source/change.ts'
import { lsn, parseLsn } from '../../../src/model/source/lsn.ts'
import { sourceClientConfig } from '../../../src/source/connection/connection.ts'
import { ReplicationClient } from '../../../src/source/stream/replication-client.ts'
import { StreamSession } from '../../../src/source/stream/stream-session.ts'
import { durable } from '../../checkpoint/store/durable.ts'
import { patientsTable } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { confirmedFlushLsn, publish, slotOf } from '../../support/postgres/library-stream.ts'
import { unsecured } from '../../support/postgres/unsecured.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

interface SessionOptions {
  readonly walSenderTimeoutMs?: number
  readonly onEvent?: (event: WalEvent) => void
  readonly monotonicMs?: () => number
}

/** Starts a session that never delivers anything. */
async function startSession(database: TestDatabase, options: SessionOptions = {}) {
  const { walSenderTimeoutMs = 60_000, onEvent = () => undefined, monotonicMs = () => performance.now() } = options
  const durableLsn = durable(parseLsn(await confirmedFlushLsn(database)))
  const stop = new AbortController()
  const events: WalEvent[] = []
  let started = false
  const session = new StreamSession({
    walSenderTimeoutMs,
    consumer: {
      durableLsn: () => durableLsn,
      onStart: () => {
        started = true
      },
      receive: (event) => {
        events.push(event)
        onEvent(event)
      },
    },
    signal: stop.signal,
    clocks: { monotonicMs, wallClockMs: () => Date.now() },
    open: (listener) =>
      new ReplicationClient({
        client: sourceClientConfig({
          security: unsecured,
          url: database.url,
          environmentOptions: '',
          applicationName: 'test',
          connectTimeoutMs: 10_000,
        }),
        stream: { slot: slotOf(database), publication: 'published', startAt: lsn(0n) },
        decoder: new PgoutputDecoder('all'),
        listener,
      }),
  })
  const ended = session.run()
  ended.catch(() => undefined)
  await Promise.race([until(() => started), ended])
  return {
    events,
    ended,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended.catch(() => undefined)
    },
  }
}

const insert = `insert into patients (code) values ('jane')`

test('a session disconnects from a server that shuts down and waits for changes that cannot be delivered', async () => {
  await using server = await ownServer({ wal_sender_timeout: '1h' })
  await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  await publish(database)
  await using session = await startSession(database, { walSenderTimeoutMs: 3_600_000 })
  await database.query(insert)
  await until(() => session.events.some(({ kind }) => kind === 'commit'))

  const [end] = await Promise.all([session.ended, server.stop('fast')])
  expect(end).toBe('released')
  await server.start()
})

test('a session through which nothing can be delivered is kept alive, and confirms nothing', async () => {
  // A server that drops a client after 400 ms of silence, and requests a reply after 200 ms.
  await using server = await ownServer({ wal_sender_timeout: '400ms' })
  await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  await publish(database)
  const before = await confirmedFlushLsn(database)
  await using session = await startSession(database, { walSenderTimeoutMs: 400 })
  await database.query(insert)
  const pid = async () => (await database.query('select active_pid as pid from pg_replication_slots'))[0]?.pid
  const first = await pid()

  // Every keepalive answers a status: this number of them takes several times the timeout.
  await until(() => session.events.filter(({ kind }) => kind === 'keepalive').length >= 20)
  expect(await pid()).toBe(first)
  expect(await confirmedFlushLsn(database)).toBe(before)
})

test('a session ends if it receives nothing for twice the timeout', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  await publish(database)
  let now = 0
  // Each check finds the clock an hour later: every answer of the server is too late.
  await using session = await startSession(database, {
    walSenderTimeoutMs: 400,
    monotonicMs: () => {
      now += 3_600_000
      return now
    },
  })
  expect(await session.ended).toBe('silent')
})

test('a failure to handle an event ends the session with that failure', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  await publish(database)
  const failure = new Error('cannot take it')
  await using session = await startSession(database, {
    onEvent: ({ kind }) => {
      if (kind === 'change') throw failure
    },
  })
  await database.query(insert)
  await expect(session.ended).rejects.toBe(failure)
})
