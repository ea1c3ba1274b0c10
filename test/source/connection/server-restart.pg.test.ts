import { describe, expect, test } from 'vitest'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

const insert = (from: number, to: number) =>
  `insert into patients (code, plan) select 'p' || i, 'premium' from generate_series(${from}, ${to}) i`

// In parallel: each test waits for servers that stop and start.
describe.concurrent('a server that is restarted', () => {
  test.each(
    (['smart', 'fast', 'immediate'] as const).flatMap((mode) => [
      { mode, api: 'answers' },
      { mode, api: 'is down' },
    ]),
  )(
    '$mode, while the API $api: the shutdown is not delayed, and nothing is missing',
    async ({ mode, api }) => {
      // The server would wait an hour for a client that does not answer.
      await using server = await ownServer({ wal_sender_timeout: '1h' })
      await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
      await using sandbox = await testSandbox()
      await using connector = await startConnector({
        database,
        sandbox,
        sessions: { queryTimeoutMs: 35_000, lifetimeSeconds: 1 },
      })
      await database.query(insert(1, 100))
      await until(() => sandbox.patients().size === 100)
      if (api === 'is down') sandbox.faults.add({ kind: 'down' })
      await database.query(`update patients set email = code || '@example.org'`)
      await database.query(insert(101, 200))
      if (api === 'is down') await until(async () => (await connector.status()).delivery.pending === 200)

      // A smart shutdown waits for every session, but must not wait for one of the connector.
      await server.stop(mode)
      await server.start()

      if (api === 'is down') expect(sandbox.patients().size).toBe(100)
      sandbox.faults.clear()
      await until(() => sandbox.patients().size === 200, { deadlineMs: 60_000 })
      await expectBothEndsEqual(connector)
      await connector.whenState('streaming')
    },
    180_000,
  )
})
