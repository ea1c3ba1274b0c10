import { expect, test } from 'vitest'
import { patientsTable } from './support/connector.ts'
import { ownServer } from './support/own-server.ts'
import { newClient } from './support/postgres/connections.ts'
import { libraryStream, publish, slotOf } from './support/postgres/library-stream.ts'
import { postgresMajor, testDatabase } from './support/postgres.ts'
import { until } from './support/until.ts'

// What PostgreSQL does beside the stream, by the numbers of docs/internals/dependency-facts.md. A test that fails after an
// upgrade says that a guard can go, or has to change.

/** What the stream would bring, without moving the slot. */
const peek = `select pg_logical_slot_peek_binary_changes($1, null, null, 'proto_version', '1', 'publication_names', 'published')`

test('fact 12b: a slot that was made before its publication cannot be read', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  await database.query(`select pg_create_logical_replication_slot('${slotOf(database)}', 'pgoutput')`)
  await database.query(`insert into patients (code) values ('jane')`)
  await database.query('create publication published for table patients')

  const reading = database.query(peek, [slotOf(database)])
  // Since 18 the server says so in its log alone, and the change is never streamed.
  if (postgresMajor < 18) await expect(reading).rejects.toThrow('publication "published" does not exist')
  else expect(await reading).toEqual([])
})

test('fact 31: a deferrable key is no replica identity', async () => {
  await using database = await testDatabase({ schema: 'create table patients (code text primary key deferrable)' })
  await publish(database)
  await database.query(`insert into patients values ('jane')`)
  await expect(database.query(`update patients set code = 'john'`)).rejects.toMatchObject({ code: '55000' })
})

test('fact 31: a partition has a replica identity of its own; an EXPLAIN of the partition shows that it has none', async () => {
  await using database = await testDatabase({
    schema: `create table patients (code text primary key) partition by hash (code);
      create table part partition of patients for values with (modulus 1, remainder 0);
      alter table part replica identity nothing; insert into patients values ('jane')`,
  })
  await publish(database)
  await expect(database.query('explain update part set code = code where false')).rejects.toMatchObject({
    code: '55000',
  })
  await expect(database.query(`update patients set code = 'john'`)).rejects.toMatchObject({ code: '55000' })
})

test.skipIf(postgresMajor < 15)(
  'fact 32: a published column list keeps the types and the columns of the table',
  async () => {
    await using database = await testDatabase({ schema: patientsTable })
    await publish(database, 'table patients (code, first_name)')
    const altered = (action: string) => database.query(`alter table patients ${action}`)
    await expect(altered('alter column first_name type varchar(40)')).rejects.toMatchObject({ code: '0A000' })
    await expect(altered('drop column first_name')).rejects.toMatchObject({ code: '2BP01' })
  },
)

test('fact 33: a table that is published without ONLY brings the tables that inherit from it', async () => {
  await using database = await testDatabase({
    schema: `${patientsTable}; create table archived () inherits (patients)`,
  })
  await publish(database)
  const published = await database.query('select tablename from pg_publication_tables order by 1')
  expect(published).toEqual([{ tablename: 'archived' }, { tablename: 'patients' }])
})

test('fact 34: a client of logical replication is a synchronous standby if its name is one', async () => {
  await using server = await ownServer({ synchronous_standby_names: '*', synchronous_commit: 'local' })
  await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  await publish(database)
  await using stream = await libraryStream(database)
  await stream.service.acknowledge('0/1')
  await until(
    async () => (await database.query('select sync_state from pg_stat_replication'))[0]?.sync_state === 'sync',
  )
})

test('fact 36: an unchanged key that is stored out of line comes as undefined, and in the old key', async () => {
  await using database = await testDatabase({
    schema: `create table patients (code text primary key, note text, visits int);
      alter table patients alter column code set storage external, alter column note set storage plain`,
  })
  await publish(database)
  await using stream = await libraryStream(database)
  const code = 'j'.repeat(100)
  await database.query(`insert into patients values ('${code}', repeat('x', 5000), 1)`)
  await database.query('update patients set visits = 2')
  const { new: row, key } = await stream.when('update')
  expect([row.code, key?.code]).toEqual([undefined, code])
})

test('fact 42: a prepared transaction holds up a slot, and no session shows it', async () => {
  await using server = await ownServer({ max_prepared_transactions: '1' })
  await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  await database.query(`begin; insert into patients (code) values ('jane'); prepare transaction 'held'`)
  const made = database.query(`select pg_create_logical_replication_slot('${slotOf(database)}', 'pgoutput')`)
  const waiting = `select wait_event from pg_stat_activity where wait_event = 'transactionid'`
  await until(async () => (await database.query(waiting)).length === 1)
  expect(await database.query(`select pid from pg_stat_activity where backend_xid is not null`)).toEqual([])
  await database.query(`commit prepared 'held'`)
  await made
})

test('fact 43: a role that may replicate reads what it was not granted', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  await publish(database)
  const role = `role_${database.name}`
  await database.query(`insert into patients (code) values ('jane'); create role ${role} replication`)
  const session = newClient({ connectionString: database.url })
  await session.connect()
  await session.query(`set role ${role}`)
  const { rows } = await session.query(peek, [slotOf(database)])
  expect(rows.length).toBeGreaterThan(0)
  await expect(session.query('select code from patients')).rejects.toMatchObject({ code: '42501' })
  await session.end()
  await database.query(`drop role ${role}`)
})

test('fact 44: an error message of the server quotes a value', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  const written = database.query(`insert into patients (code, birth_date) values ('jane', '1980-31-31')`)
  await expect(written).rejects.toThrow('1980-31-31')
})
