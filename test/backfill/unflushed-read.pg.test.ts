import { expect, test } from 'vitest'
import { runCommand } from '../cli/run-command.ts'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { patientsTable, startConnector } from '../support/connector.ts'
import { ownServer } from '../support/own-server.ts'
import { testDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const unflushed = (statement: string) => `begin; set local synchronous_commit = off; ${statement}; commit`

test('a row that is read before its commit is flushed is sent only afterwards: a crash of the server undoes it', async () => {
  await using server = await ownServer({ autovacuum: 'off' })
  await using state = await testDatabase()
  await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  const config = { state: { url: state.url }, source: { onDelete: 'unsubscribe' } }
  await using connector = await startConnector({ database, config })
  await database.query(`insert into patients (code, plan) values ('jane', 'premium'), ('john', 'premium')`)
  await connector.whenPatient('john')
  await connector.whenSettled()
  const walWriter = async () => {
    const [found] = await database.query(`select pid from pg_stat_activity where backend_type = 'walwriter'`)
    return Number(found?.pid)
  }
  const stopped = await walWriter()
  // Nothing else flushes the WAL of commits that do not wait for it.
  process.kill(stopped, 'SIGSTOP')
  await database.query(unflushed(`insert into patients (code, plan) values ('ghost', 'premium')`))
  await database.query(unflushed(`update patients set first_name = 'Ghost' where code = 'jane'`))
  await database.query(unflushed(`delete from patients where code = 'john'`))

  await runCommand(['backfill'], { database }, { STATE_DATABASE_URL: state.url })
  await until(async () => {
    const waiting = `select from pg_stat_activity where application_name = 'mediquo-cdc' and query like '%wal_flush_lsn%'`
    return connector.sandbox.patients().has('ghost') || (await database.query(waiting)).length > 0
  })
  // The server restarts by itself, without what was not flushed.
  process.kill(stopped, 'SIGKILL')

  await until(async () => (await walWriter()) !== stopped)
  expect(await database.query('select code, first_name from patients order by code')).toEqual([
    { code: 'jane', first_name: 'Jane' },
    { code: 'john', first_name: 'Jane' },
  ])
  await until(async () => (await connector.status()).backfill.state === 'done')
  await expectBothEndsEqual(connector)
}, 120_000)
