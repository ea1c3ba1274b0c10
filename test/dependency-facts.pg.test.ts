import { expect, onTestFinished, test, vi } from 'vitest'
import { formatLsn, lsn, parseLsn } from '../src/model/source/lsn.ts'
import { patientsTable } from './support/connector.ts'
import { ownServer } from './support/own-server.ts'
import { commitTogether } from './support/postgres/adjacent-commits.ts'
import { newClient } from './support/postgres/connections.ts'
import { confirmedFlushLsn, libraryStream, publish, slotOf } from './support/postgres/library-stream.ts'
import { postgresMajor, testDatabase } from './support/postgres.ts'
import { until } from './support/until.ts'

// Behaviour of pg-logical-replication and PostgreSQL on which the guards in src/source and src/decode rest. A test that fails after an
// upgrade shows that a guard can be removed, or has to change.

async function published(serverUrl?: string) {
  const database = await testDatabase({ schema: patientsTable, ...(serverUrl && { serverUrl }) })
  await publish(database)
  return database
}

const insert = (code: string) => `insert into patients (code) values ('${code}')`
const codesOf = (messages: readonly { readonly tag: string }[]) =>
  messages.flatMap((message) => ('new' in message ? [(message.new as { readonly code: string }).code] : []))

test('acknowledge confirms one byte more than it is given, which loses a transaction that commits right after', async () => {
  // No other session writes WAL there, between the two commits.
  await using server = await ownServer()
  await using database = await published(server.url())
  const first = await (async () => {
    await using stream = await libraryStream(database)
    await commitTogether(database, insert('first'), insert('second'))
    await stream.when('insert', ({ new: row }) => row.code === 'second')
    await until(() => stream.messages.filter(({ tag }) => tag === 'commit').length === 2)
    const commits = stream.messages.flatMap((message) => (message.tag === 'commit' ? [message] : []))
    const [one, two] = commits
    expect(one?.commitEndLsn, 'the commits are not adjacent').toBe(two?.commitLsn)
    await stream.service.acknowledge(one?.commitEndLsn ?? '')
    return parseLsn(one?.commitEndLsn ?? '')
  })()

  const oneMore = formatLsn(lsn(first + 1n))
  await until(async () => (await confirmedFlushLsn(database)) === oneMore)
  await using restarted = await libraryStream(database)
  await database.query(insert('third'))
  await restarted.when('insert', ({ new: row }) => row.code === 'third')
  expect(codesOf(restarted.messages)).toEqual(['third'])
})

test('a timeout above zero confirms what was received, although nothing was acknowledged', async () => {
  await using database = await published()
  await using stream = await libraryStream(database, { acknowledge: { auto: false, timeoutSeconds: 1 } })
  await database.query(insert('undelivered'))
  const { commitEndLsn } = await stream.when('commit')

  await until(async () => parseLsn(await confirmedFlushLsn(database)) > parseLsn(commitEndLsn ?? ''))
})

test('a second subscription continues after the last message received, not after the last one confirmed', async () => {
  await using database = await published()
  await using stream = await libraryStream(database)
  await database.query(insert('received'))
  await stream.when('commit')

  await stream.subscribeAgain()
  await database.query(insert('next'))
  await stream.when('insert', ({ new: row }) => row.code === 'next')
  expect(codesOf(stream.messages)).toEqual(['received', 'next'])
})

test('a date comes as a Date at local midnight, which is the day before in UTC, and infinity as a number', async () => {
  vi.stubEnv('TZ', 'Europe/Madrid')
  onTestFinished(() => void vi.unstubAllEnvs())
  await using database = await published()
  await using stream = await libraryStream(database)
  await database.query(`insert into patients (code, birth_date) values ('a', '1980-01-01'), ('b', 'infinity')`)
  const day = await stream.when('insert', ({ new: row }) => row.code === 'a')
  const never = await stream.when('insert', ({ new: row }) => row.code === 'b')

  expect(day.new.birth_date).toEqual(new Date('1979-12-31T23:00:00Z'))
  expect(never.new.birth_date).toBe(Number.POSITIVE_INFINITY)
})

test('an unchanged long value comes as undefined, a NULL as null', async () => {
  await using database = await published()
  await using stream = await libraryStream(database)
  await database.query('alter table patients alter column last_name set storage external')
  await database.query(`insert into patients (code, last_name) values ('jane', repeat('x', 10000))`)
  await database.query(`update patients set first_name = 'Janet'`)
  const { new: row } = await stream.when('update')

  expect(Object.hasOwn(row, 'last_name')).toBe(true)
  expect(row.last_name).toBeUndefined()
  expect(row.email).toBeNull()
})

test('its status messages carry a time that is seven days off', async () => {
  await using database = await published()
  await using stream = await libraryStream(database)
  await stream.service.acknowledge('0/1')

  const days = await until(async () => {
    const [row] = await database.query(
      `select round(extract(epoch from reply_time - now()) / 86400) as days from pg_stat_replication
       where pid = (select active_pid from pg_replication_slots where slot_name = $1)`,
      [slotOf(database)],
    )
    return row?.days
  })
  expect(days).toBe('7')
})

test('a handler that throws under flow control does not stop the next message', async () => {
  await using database = await published()
  await using stream = await libraryStream(database, {
    flowControl: { enabled: true },
    onData: (message) => {
      if (message.tag === 'insert' && message.new.code === 'poison') throw new Error('cannot take it')
    },
  })
  await database.query(insert('poison'))
  await database.query(insert('next'))
  await stream.when('insert', ({ new: row }) => row.code === 'next')

  expect(stream.errors.map(({ message }) => message)).toEqual(['cannot take it'])
})

test('its connection has a socket that can be paused, and accepts a status message of the caller', async () => {
  await using database = await published()
  await using stream = await libraryStream(database)
  const connection: unknown = stream.service['_connection' as never]

  expect(connection).toMatchObject({
    stream: { pause: expect.any(Function), resume: expect.any(Function), destroy: expect.any(Function) },
    sendCopyFromChunk: expect.any(Function),
  })
})

test('a date in the date style of the database comes as null, as if it were NULL', async () => {
  await using database = await published()
  await database.query(`alter database ${database.name} set datestyle = 'German, DMY'`)
  await using stream = await libraryStream(database)
  await database.query(`insert into patients (code, birth_date) values ('jane', '1980-02-01')`)
  const { new: row } = await stream.when('insert')

  expect(row.birth_date).toBeNull()
})

test('a slot in use causes SQLSTATE 55006', async () => {
  await using database = await published()
  await using _stream = await libraryStream(database)
  const second = newClient({ connectionString: `${database.url}?replication=database` })
  await second.connect()

  const options = `proto_version '1', publication_names 'published'`
  const start = second.query(`START_REPLICATION SLOT ${slotOf(database)} LOGICAL 0/0 (${options})`)
  await expect(start).rejects.toMatchObject({ code: '55006' })
  await second.end()
})

test('an update of a table that is published without a replica identity fails', async () => {
  await using database = await testDatabase({ schema: 'create table patients (code text)' })
  await publish(database)
  await database.query(insert('jane'))

  await expect(database.query(`update patients set code = 'john'`)).rejects.toMatchObject({ code: '55000' })
})

test('an update of columns that are not decoded comes with every other value unchanged', async () => {
  await using database = await published()
  await using stream = await libraryStream(database)
  await database.query(insert('jane'))
  const { new: before } = await stream.when('insert')
  await database.query('update patients set visits = visits + 1')
  const { new: after } = await stream.when('update')

  expect({ ...after, visits: 0 }).toEqual({ ...before })
})

test('under the default replica identity a delete carries only the key, an update its old key only if the key changed', async () => {
  await using database = await published()
  await using stream = await libraryStream(database)
  await database.query(insert('jane'))
  await database.query(`update patients set first_name = 'Janet'`)
  const same = await stream.when('update')
  await database.query(`update patients set code = 'janet'`)
  const moved = await stream.when('update', ({ new: row }) => row.code === 'janet')
  await database.query('delete from patients')
  const gone = await stream.when('delete')

  expect([same.key, same.old]).toEqual([null, null])
  expect([{ ...moved.key }, moved.old]).toEqual([{ code: 'jane' }, null])
  expect([{ ...gone.key }, gone.old]).toEqual([{ code: 'janet' }, null])
})

test.skipIf(postgresMajor < 15)(
  'a row that leaves the row filter comes as a delete, one that enters it as an insert',
  async () => {
    await using database = await testDatabase({ schema: patientsTable })
    await publish(database, `table patients where (code <> 'hidden')`)
    await using stream = await libraryStream(database)
    await database.query(insert('jane'))
    await database.query(`update patients set code = 'hidden'`)
    await database.query(`update patients set code = 'back'`)
    await stream.when('insert', ({ new: row }) => row.code === 'back')

    const tags = stream.messages.map(({ tag }) => tag).filter((tag) => ['insert', 'update', 'delete'].includes(tag))
    expect(tags).toEqual(['insert', 'delete', 'insert'])
  },
)

test('a fast shutdown waits for a client that does not confirm, and repeats its request until the client is gone', async () => {
  await using server = await ownServer({ wal_sender_timeout: '1h' })
  await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  await publish(database)
  let start = ''
  const asked: string[] = []
  await using stream = await libraryStream(database, {
    onKeepalive: (service, position, replyRequested) => {
      if (!replyRequested) return
      asked.push(position)
      void service.acknowledge(start)
    },
  })
  start = await confirmedFlushLsn(database)
  await database.query(insert('undelivered'))
  await stream.when('commit')

  const stopped = server.stop('fast')
  await until(() => asked.length > 100)
  expect(new Set(asked.slice(-50)).size).toBe(1)
  expect(server.pid).not.toBeNull()
  await stream.service.destroy()
  await stopped
  await server.start()
})
