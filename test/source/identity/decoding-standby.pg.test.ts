import { describe, expect, test } from 'vitest'
import { runCommand } from '../../cli/run-command.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { type ConnectorOptions, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { openDatabase, postgresMajor, testDatabase } from '../../support/postgres.ts'
import { replicaOf } from '../../support/replica.ts'
import { until } from '../../support/until.ts'

const table = `create table patients (
  id int primary key, code text not null, first_name text not null default 'Jane', last_name text, gender text not null default 'female',
  birth_date date not null default '1980-01-01', email text, plan text default 'premium');
  create publication mediquo_cdc for table patients;
  insert into patients (id, code) select i, 'p' || i from generate_series(1, 3000) i;`

/** Starts a primary with a standby, a checkpoint store on another server, and a connector that decodes on the standby. */
async function standby() {
  const releases: AsyncDisposable[] = []
  const primary = await ownServer()
  const database = await testDatabase({ schema: table, serverUrl: primary.url() })
  await database.query(`select pg_create_physical_replication_slot('replica')`)
  const replica = await replicaOf(primary)
  const state = await testDatabase()
  const sandbox = await testSandbox()
  const onReplica = openDatabase(replica.url(database.name), database.name)
  releases.push(primary, replica, state, sandbox, onReplica)
  const source = { onStandby: 'decode', backfill: 'initial', onDelete: 'unsubscribe' }
  const config = { source, state: { url: state.url } }
  return {
    primary,
    replica,
    /** Database on the primary, where an application writes. */
    database,
    state,
    sandbox,
    onReplica,
    start: async (options: ConnectorOptions = {}) => {
      const connector = await startConnector({ database: onReplica, sandbox, config, ...options })
      releases.push(connector)
      // Rows are compared on the primary.
      return { ...connector, database }
    },
    /** A slot on a standby begins where its primary logs the running transactions. */
    logStandbySnapshot: () => database.query('select pg_log_standby_snapshot()'),
    async [Symbol.asyncDispose]() {
      for (const release of releases.reverse()) await release[Symbol.asyncDispose]()
    },
  }
}

describe.skipIf(postgresMajor < 16)('a standby', () => {
  test('is decoded: rows are read from it while changes arrive, and it continues as a primary once it is promoted', async () => {
    await using stand = await standby()
    const { database, onReplica, sandbox } = stand
    const connector = await stand.start({ waitFor: null })
    await connector.whenLogged('the replication slot is not made yet: it waits for transactions that are open')
    await stand.logStandbySnapshot()
    await connector.whenState('backfilling')
    // Changes are all over the table, while it is read.
    for (let round = 1; round <= 20; round++) {
      await database.query(
        `update patients set first_name = 'R${round}' where id % 20 = ${round - 1};
         update patients set code = 'q' || id where id = ${round * 100};
         delete from patients where id = ${round * 100 + 1};
         insert into patients (id, code) values (${10_000 + round}, 'new${round}')`,
      )
    }
    await until(async () => (await connector.status()).backfill.state === 'done', { deadlineMs: 90_000 })
    await expectBothEndsEqual(connector)

    // The row is read from the table if its long value did not change.
    await database.query(`update patients set last_name = 'Doe' where id <= 50`)
    await expectBothEndsEqual(connector)

    await stand.primary.stop()
    await onReplica.query('select pg_promote(true, 60)')
    const promoted = { ...connector, database: onReplica }
    await onReplica.query(
      `update patients set first_name = 'After' where id <= 100; insert into patients (id, code) values (20000, 'after')`,
    )
    await until(() => sandbox.patients().has('after'), { deadlineMs: 90_000 })
    await expectBothEndsEqual(promoted)
    await stand.primary.start()
  }, 240_000)

  test('goes on as a primary though its promotion is noticed late: what it streamed since is its own', async () => {
    await using stand = await standby()
    const { database, onReplica, sandbox } = stand
    const connector = await stand.start({ waitFor: null, intervals: { checkMs: 10_000 } })
    await connector.whenLogged('the replication slot is not made yet: it waits for transactions that are open')
    await stand.logStandbySnapshot()
    await until(async () => (await connector.status()).backfill.state === 'done', { deadlineMs: 90_000 })
    await database.query(`insert into patients (id, code) values (20000, 'before')`)
    await connector.whenPatient('before')
    await stand.primary.stop()
    await onReplica.query('select pg_promote(true, 60)')
    await onReplica.query(`insert into patients (id, code) values (20001, 'after')`)
    await until(() => sandbox.patients().has('after'), { deadlineMs: 90_000 })
    await connector.whenLogged('the server failed over and lost what was delivered, a backfill follows')
    await onReplica.query(`insert into patients (id, code) values (20002, 'later')`)
    await until(() => sandbox.patients().has('later'), { deadlineMs: 90_000 })
    await expectBothEndsEqual({ ...connector, database: onReplica })
    await stand.primary.start()
  }, 240_000)

  test('is refused unless the setting allows it, with the checkpoint store elsewhere', async () => {
    await using stand = await standby()
    const refused = async (source: object, state: object) =>
      await stand.start({ config: { source: { ...source }, state: { ...state } } }).then(
        () => 'started',
        (error: unknown) => String(error),
      )
    expect(await refused({}, { url: stand.state.url })).toContain('set source.onStandby: decode')
    expect(await refused({ onStandby: 'decode' }, {})).toContain('nothing can be written to a standby')
    const checked = await runCommand(
      ['check'],
      { database: stand.onReplica },
      { MEDIQUO_API_KEY: 'a', MEDIQUO_SECRET_KEY: 'b', MEDIQUO_BASE_URL: 'http://127.0.0.1:9/v1' },
    )
    expect(checked.status).toBe(3)
  }, 120_000)
})
