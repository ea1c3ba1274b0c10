import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { newClient } from '../../support/postgres/connections.ts'
import { testDatabase } from '../../support/postgres.ts'
import { afterUse, everything, nothing, remains } from '../after-use.ts'
import { runCommand } from '../run-command.ts'

/** Returns the results by part. */
const resultsOf = (text: string) =>
  Object.fromEntries(
    (JSON.parse(text).parts as { part: string; result: string | null }[]).map(({ part, result }) => [part, result]),
  )
const allDropped = {
  'replication slot': 'dropped',
  publication: 'dropped',
  'state tables': 'dropped',
  'state schema': 'dropped',
}

test.concurrent('shows everything, drops it, and a connector starts from nothing', async () => {
  await using used = await afterUse()
  const { database, slot } = used
  const { status, text } = await runCommand(['teardown', '--yes'], { database })
  const where = new RegExp(`in database ${database.name}(?: at [^ ]+)?: `).source
  expect(text.split('\n')).toEqual([
    expect.stringMatching(`^drop    replication slot ${slot} ${where}it holds .+B of WAL$`),
    expect.stringMatching(`^drop    publication mediquo_cdc ${where}it publishes public.patients$`),
    expect.stringMatching(
      `^drop    state tables mediquo_cdc ${where}backfill \\(0 rows\\), checkpoint \\(1 row\\), dead_letter \\(0 rows\\), delivery \\(1 row\\), mapping \\(\\d rows?\\), migration`,
    ),
    expect.stringMatching(`^drop    state schema mediquo_cdc ${where}it is empty then$`),
    '',
    `dropped replication slot ${slot}`,
    'dropped publication mediquo_cdc',
    'dropped state tables mediquo_cdc',
    'dropped state schema mediquo_cdc',
  ])
  expect([status, await remains(database)]).toEqual([0, nothing])
  expect(await database.query('select code from patients')).toEqual([{ code: 'jane' }])

  // Without a terminal and without --yes: there is nothing left to confirm.
  const again = await runCommand(['teardown', '--json'], { database })
  expect([again.status, resultsOf(again.text)]).toEqual([
    0,
    { 'replication slot': 'was not there', publication: 'was not there', 'state schema': 'was not there' },
  ])
  await using connector = await used.start()
  await connector.whenState('streaming')
})

test.concurrent('drops nothing without confirmation', async () => {
  await using used = await afterUse()
  const { database, slot } = used
  const unasked = await runCommand(['teardown'], { database })
  expect([unasked.status, unasked.text]).toEqual([2, expect.stringContaining('--yes is needed')])
  expect(unasked.text).toContain(`drop    replication slot ${slot}`)
  const asJson = await runCommand(['teardown', '--json'], { database }, {}, async () => true)
  expect([asJson.status, resultsOf(asJson.text)['replication slot']]).toEqual([2, null])
  const questions: string[] = []
  const answer = (yes: boolean) => async (question: string) => {
    questions.push(question)
    return yes
  }
  expect(await runCommand(['teardown'], { database }, {}, answer(false))).toMatchObject({ status: 1 })
  expect(await remains(database)).toEqual(everything)
  expect(await runCommand(['teardown'], { database }, {}, answer(true))).toMatchObject({ status: 0 })
  expect(await remains(database)).toEqual(nothing)
  expect(questions).toHaveLength(2)
})

test.concurrent('drops nothing while a connector holds the slot, and names its process', async () => {
  await using connector = await startConnector()
  const { database, slot } = connector
  const [held] = await database.query('select active_pid as pid from pg_replication_slots where slot_name = $1', [slot])
  const { status, text } = await runCommand(['teardown', '--yes'], { database })
  expect([status, text]).toEqual([
    3,
    expect.stringContaining(
      `refused the replication slot ${slot} is in use by process ${held?.pid} (mediquo-cdc): stop that connector first\nnothing was dropped`,
    ),
  ])
  const { refused } = JSON.parse((await runCommand(['teardown', '--yes', '--json'], { database })).text)
  expect(refused).toHaveLength(1)
  expect(await remains(database)).toEqual(everything)
  await database.query(`insert into patients (code) values ('jane')`)
  await connector.whenPatient('jane')
})

test.concurrent('refuses while a connector runs without holding the slot, because it would recreate it', async () => {
  await using connector = await startConnector({ config: { source: { onSlotLost: 'stop' } } })
  const { database, slot } = connector
  await database.query(
    `select pg_drop_replication_slot(slot_name) from (
       select slot_name, pg_terminate_backend(active_pid, 5000) as is_free from pg_replication_slots where slot_name = $1 offset 0) s
     where is_free`,
    [slot],
  )
  await connector.whenState('blocked')
  const port = String(connector.log.find(({ msg }) => msg === 'listening')?.port)
  const here = await runCommand(['teardown', '--yes'], { database }, { HTTP_PORT: port })
  expect([here.status, here.text]).toEqual([3, expect.stringContaining(`answers at port ${port}: stop it first`)])
  const elsewhere = await runCommand(['teardown'], { database })
  expect([elsewhere.status, elsewhere.text]).toEqual([
    2,
    expect.stringContaining('would recreate the slot and the state'),
  ])
  expect(await remains(database)).toEqual({ ...everything, slots: 0 })
})

test.concurrent('keeps objects that are shared: a publication of other tables, a schema with a table of the customer', async () => {
  await using used = await afterUse()
  const { database } = used
  await database.query('create table visits (id int primary key)')
  await database.query('alter publication mediquo_cdc add table visits')
  await database.query('create table mediquo_cdc.notes (text text)')
  const { status, text } = await runCommand(['teardown', '--yes'], { database })
  expect(text).toContain('left    publication mediquo_cdc: it publishes more than the patients: public.visits')
  expect(text).toContain('left    state schema mediquo_cdc: it holds what is not ours: notes')
  expect([status, await remains(database)]).toEqual([0, { slots: 0, publications: 1, tables: 1, schemas: 1 }])
})

test.concurrent.each(['for all tables', 'for tables in schema public'])('keeps a publication %s', async (tables) => {
  await using database = await testDatabase({ schema: patientsTable })
  const [version] = await database.query(`select current_setting('server_version_num')::int >= 150000 as has_schemas`)
  if (tables.includes('schema') && version?.has_schemas !== 't') return
  await database.query(`create publication mediquo_cdc ${tables}`)
  const { status, text } = await runCommand(['teardown', '--yes'], { database })
  expect(text).toContain('left    publication mediquo_cdc: it publishes more than the patients: all')
  expect([status, (await remains(database)).publications]).toEqual([0, 1])
})

test.concurrent('keeps a table of the customer that has the name of a connector’s table', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  await database.query('create schema mediquo_cdc')
  for (const table of ['delivery', 'migration (hash text)', 'backfill'])
    await database.query(`create table mediquo_cdc.${table.includes('(') ? table : `${table} (id int)`}`)
  const { status, text } = await runCommand(['teardown', '--yes'], { database })
  expect(text).toContain('left    state schema mediquo_cdc: it holds what is not ours: backfill, delivery, migration')
  expect([status, await remains(database)]).toEqual([0, { ...nothing, tables: 3, schemas: 1 }])
})

test.concurrent('drops the rest if some parts are missing already', async () => {
  await using used = await afterUse()
  const { database } = used
  await database.query('drop publication mediquo_cdc')
  await database.query('drop table mediquo_cdc.delivery, mediquo_cdc.migration')
  const { status, text } = await runCommand(['teardown', '--yes', '--json'], { database })
  expect([status, resultsOf(text)]).toEqual([0, { ...allDropped, publication: 'was not there' }])
  expect(await remains(database)).toEqual(nothing)
})

test.concurrent('drops a checkpoint store in another database', async () => {
  await using state = await testDatabase()
  await using used = await afterUse({ config: { config: { state: { url: state.url } } } })
  const { database } = used
  const { status, text } = await runCommand(['teardown', '--yes'], { database }, { STATE_DATABASE_URL: state.url })
  expect(text).toMatch(new RegExp(`drop    state tables mediquo_cdc in database ${state.name}`))
  expect([status, await remains(database, state)]).toEqual([0, nothing])
})

test.concurrent('works with one end alone, and names what is to be done at the other', async () => {
  await using state = await testDatabase()
  await using used = await afterUse({ config: { config: { state: { url: state.url } } } })
  const { database, slot } = used
  const nowhere = 'postgres://nobody@127.0.0.1:1/nothing'
  const withoutState = await runCommand(['teardown', '--yes'], { database }, { STATE_DATABASE_URL: nowhere })
  expect(withoutState.text).toMatch(/failed {2}state schema mediquo_cdc: the state database cannot be reached/)
  expect(withoutState.text).toContain('fix: DROP SCHEMA mediquo_cdc CASCADE;')
  expect([withoutState.status, await remains(database, state)]).toEqual([3, { ...nothing, tables: 6, schemas: 1 }])

  await database.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot])
  const gone = { DATABASE_URL: nowhere, STATE_DATABASE_URL: state.url }
  const withoutSource = await runCommand(['teardown', '--yes'], { database }, gone)
  expect(withoutSource.text).toContain(`fix: SELECT pg_drop_replication_slot('${slot}');`)
  expect([withoutSource.status, await remains(database, state)]).toEqual([3, { ...nothing, slots: 1 }])

  const neither = await runCommand(['teardown'], { database }, { DATABASE_URL: nowhere })
  expect([neither.status, neither.text]).toEqual([3, expect.stringContaining('unknown replication slot')])
})

test.concurrent('leaves what this user may not drop, with the statement, and drops the rest', async () => {
  await using used = await afterUse()
  const { database, slot } = used
  const role = `role_${randomBytes(4).toString('hex')}`
  await database.query(`create role ${role} login replication password 'secret'`)
  try {
    const url = new URL(database.url)
    url.username = role
    url.password = 'secret'
    const asRole = await runCommand(['teardown', '--yes'], { database }, { DATABASE_URL: url.href })
    expect(asRole.text).toContain(`dropped replication slot ${slot}`)
    expect(asRole.text).toMatch(
      /failed {2}publication mediquo_cdc: this user may not.+\n +fix: DROP PUBLICATION "mediquo_cdc";/,
    )
    expect([asRole.status, await remains(database)]).toEqual([3, { ...everything, slots: 0 }])

    await database.query(`alter role ${role} noreplication`)
    await database.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot])
    for (const table of ['backfill', 'checkpoint', 'dead_letter', 'delivery', 'mapping', 'migration'])
      await database.query(`alter table mediquo_cdc.${table} owner to ${role}`)
    await database.query(`grant usage on schema mediquo_cdc to ${role}`)
    const without = await runCommand(['teardown', '--yes'], { database }, { DATABASE_URL: url.href })
    expect(without.text).toMatch(
      /failed {2}replication slot .+: this user may not.+\n +fix: SELECT pg_drop_replication_slot/,
    )
    expect(without.text).toContain('dropped state tables mediquo_cdc')
    expect(without.text).toMatch(/failed {2}state schema .+\n +fix: DROP SCHEMA mediquo_cdc;/)
    expect([without.status, await remains(database)]).toEqual([3, { ...everything, tables: 0 }])
  } finally {
    await runCommand(['teardown', '--yes'], { database })
    await database.query(`drop role ${role}`)
  }
})

test.concurrent('waits only briefly for a lock', async () => {
  await using used = await afterUse()
  const { database } = used
  const client = newClient({ connectionString: database.url })
  await client.connect()
  try {
    await client.query('begin; lock mediquo_cdc.dead_letter in access share mode')
    const { status, text } = await runCommand(['teardown', '--yes'], { database })
    expect(text).toMatch(
      /failed {2}state tables mediquo_cdc: another session holds a lock.+\n +fix: DROP TABLE mediquo_cdc\.backfill/,
    )
    expect(text).toContain('failed  state schema mediquo_cdc: its tables are still there')
    expect([status, await remains(database)]).toEqual([3, { ...everything, slots: 0, publications: 0 }])
  } finally {
    await client.end()
  }
  expect(await runCommand(['teardown', '--yes'], { database })).toMatchObject({ status: 0 })
})

test.concurrent('does not drop the checkpoint store of another connector with this connector’s slot', async () => {
  await using used = await afterUse()
  const { database, slot } = used
  const { status, text } = await runCommand(['teardown', '--yes'], { database, source: { slot: 'another' } })
  expect([status, text]).toEqual([3, expect.stringContaining(`belongs to slot ${slot} and publication mediquo_cdc`)])
  expect(await remains(database)).toEqual(everything)
})

test.concurrent('does not drop a checkpoint store elsewhere if the source is a copy of the database', async () => {
  await using state = await testDatabase()
  await using used = await afterUse({ config: { config: { state: { url: state.url } } } })
  await using server = await ownServer()
  await using copy = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  const { database, slot } = used
  const { status, text } = await runCommand(
    ['teardown', '--yes'],
    { database: copy, source: { slot } },
    { STATE_DATABASE_URL: state.url },
  )
  expect([status, text]).toEqual([
    3,
    expect.stringContaining('the state belongs to a server with the system identifier'),
  ])
  expect(await remains(database, state)).toEqual(everything)
})
