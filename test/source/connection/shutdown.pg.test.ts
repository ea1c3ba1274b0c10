import { expect, test } from 'vitest'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

/** Starts a server that would wait an hour for the connector, and a connector whose API is down. */
async function cutOff(rows: number, noteLength: number) {
  const stack: AsyncDisposable[] = []
  const server = await ownServer({ wal_sender_timeout: '1h' })
  const database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  const sandbox = await testSandbox()
  const connector = await startConnector({ database, sandbox })
  stack.push(server, database, sandbox, connector)
  sandbox.faults.add({ kind: 'down' })
  await database.query(
    `insert into patients (code, plan, meta)
     select 'p' || n, 'premium', jsonb_build_object('note', repeat('x', ${noteLength})) from generate_series(1, ${rows}) n`,
  )
  return {
    server,
    database,
    sandbox,
    connector,
    async [Symbol.asyncDispose]() {
      for (const resource of stack.reverse()) await resource[Symbol.asyncDispose]()
    },
  }
}

test('a fast shutdown of the server ends although changes wait for an API that is down; they are delivered later', async () => {
  await using cut = await cutOff(100, 0)
  const { server, sandbox, connector } = cut
  await until(async () => (await connector.status()).delivery.pending === 100)

  await server.stop('fast')
  await server.start()

  expect(sandbox.patients().size).toBe(0)
  sandbox.faults.clear()
  await until(() => sandbox.patients().size === 100)
  await expectBothEndsEqual(connector)
  await connector.whenState('streaming')
})

test('a fast shutdown ends although memory is full and the stream is paused; everything is delivered later', async () => {
  const rows = 3_000
  await using cut = await cutOff(rows, 15_000)
  const { server, database, sandbox, connector } = cut
  // The server waits until the connector reads: all buffers are full.
  await until(async () => {
    const senders = await database.query(`select wait_event from pg_stat_activity where backend_type = 'walsender'`)
    return senders.some(({ wait_event }) => wait_event === 'WalSenderWriteData')
  })

  await server.stop('fast')
  await server.start()

  expect(sandbox.patients().size).toBe(0)
  sandbox.faults.clear()
  await until(() => sandbox.patients().size === rows, { deadlineMs: 60_000 })
  await expectBothEndsEqual(connector)
}, 120_000)
