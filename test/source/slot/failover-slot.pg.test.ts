import { expect, test } from 'vitest'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { newClient } from '../../support/postgres/connections.ts'
import { openDatabase, postgresMajor, testDatabase } from '../../support/postgres.ts'
import { replicaOf } from '../../support/replica.ts'
import { tcpRelay } from '../../support/tcp-relay.ts'
import { until } from '../../support/until.ts'

const insert = (from: number, to: number) =>
  `insert into patients (code, plan) select 'p' || i, 'premium' from generate_series(${from}, ${to}) i`

test.skipIf(postgresMajor < 17)(
  'the standby that takes over has the slot, and the connector continues exactly where it was',
  async () => {
    await using primary = await ownServer()
    // The database is dropped with its server.
    const database = await testDatabase({ schema: patientsTable, serverUrl: primary.url() })
    await database.query(`select pg_create_physical_replication_slot('replica')`)
    await using standby = await replicaOf(primary)
    await using state = await testDatabase()
    await using sandbox = await testSandbox()
    // Stands for a host name, or a virtual address, that moves to the current primary.
    await using address = await tcpRelay(primary.port)
    const url = new URL(database.url)
    url.port = `${address.port}`
    const config = { state: { url: state.url } }
    await using connector = await startConnector({ database, sandbox, environment: { DATABASE_URL: url.href }, config })
    await database.query(insert(1, 100))
    await until(() => sandbox.patients().size === 100)

    const onStandby = newClient({ connectionString: standby.url(database.name) })
    onStandby.on('error', () => undefined)
    await onStandby.connect()
    try {
      // The standby would do this periodically by itself (sync_replication_slots).
      await until(
        async () => {
          await onStandby.query('select pg_sync_replication_slots()')
          const { rows } = await onStandby.query(
            'select from pg_replication_slots where slot_name = $1 and synced and not temporary',
            [connector.slot],
          )
          return rows.length === 1
        },
        { deadlineMs: 60_000 },
      )
      // The row reaches the standby, but is not delivered before the primary is gone.
      sandbox.faults.add({ kind: 'down' })
      await database.query(`update patients set email = code || '@example.org'; ${insert(101, 150)}`)
      const [written] = await database.query('select pg_current_wal_lsn() as lsn')
      await until(async () => {
        const { rows } = await onStandby.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as there', [written?.lsn])
        return rows[0]?.there === true
      })
      await primary.kill()
      await onStandby.query('select pg_promote(true, 60)')
    } finally {
      await onStandby.end()
    }
    address.goOn(standby.port)
    await address.reset()
    sandbox.faults.clear()

    await using promoted = openDatabase(standby.url(database.name), database.name)
    await promoted.query(`update patients set first_name = 'After' where code <> 'p7'`)
    await until(() => sandbox.patients().size === 150 && sandbox.patients().get('p150')?.first_name === 'After', {
      deadlineMs: 60_000,
    })
    await expectBothEndsEqual({ ...connector, database: promoted })
    await connector.whenState('streaming')
    const backfillRuns = await state.query('select reason from mediquo_cdc.backfill')
    expect(backfillRuns).toEqual([])
  },
  180_000,
)
