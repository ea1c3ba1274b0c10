import { expect, onTestFinished, test, vi } from 'vitest'
import { PgoutputDecoder } from '../../../src/decode/pgoutput.ts'
import { formatLsn, type Lsn } from '../../../src/model/source/lsn.ts'
import { patientsTable } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { commitTogether } from '../../support/postgres/adjacent-commits.ts'
import { confirmedFlushLsn, publish, slotOf } from '../../support/postgres/library-stream.ts'
import { testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { type OpenStream, openStream } from './open-stream.ts'

async function published(serverUrl?: string) {
  const database = await testDatabase({ schema: patientsTable, ...(serverUrl && { serverUrl }) })
  await publish(database)
  return database
}

const insert = (...codes: string[]) =>
  `insert into patients (code) values ${codes.map((code) => `('${code}')`).join(', ')}`

function endOf(stream: OpenStream, at: number): Lsn {
  const commit = stream.of('commit')[at]
  if (!commit) throw new Error(`there are no ${at + 1} commits`)
  return commit.commitEndLsn
}

test('the slot is exactly at the acknowledged position, and a commit that starts there is streamed after a restart', async () => {
  // No other session writes WAL there, between the two commits.
  await using server = await ownServer()
  await using database = await published(server.url())
  const firstEnd = await (async () => {
    await using stream = await openStream(database)
    await commitTogether(database, insert('first'), insert('second'))
    await until(() => stream.of('commit').length === 2)
    const end = endOf(stream, 0)
    expect(stream.of('begin')[1]?.commitLsn, 'the commits are not adjacent').toBe(end)
    stream.client.sendStatus(end, Date.now(), false)
    await stream.roundTrip()
    expect(await confirmedFlushLsn(database)).toBe(formatLsn(end))
    return end
  })()

  await using restarted = await openStream(database, { startAt: firstEnd })
  await until(() => restarted.of('commit').length === 1)
  expect(restarted.inserted()).toEqual(['second'])
})

test('nothing is confirmed that was not acknowledged, however long the client runs', async () => {
  await using database = await published()
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const before = await confirmedFlushLsn(database)
  await using stream = await openStream(database)
  await database.query(insert('jane'))
  await until(() => stream.of('commit').length === 1)

  await vi.advanceTimersByTimeAsync(10 * 60_000)
  await stream.roundTrip()
  expect(await confirmedFlushLsn(database)).toBe(before)
})

test('a new client receives again what an earlier one received without an acknowledgement', async () => {
  await using database = await published()
  {
    await using stream = await openStream(database)
    await database.query(insert('jane'))
    await until(() => stream.of('commit').length === 1)
  }

  await using again = await openStream(database)
  await until(() => again.of('commit').length === 1)
  expect(again.inserted()).toEqual(['jane'])
})

test('a client starts at the checkpoint if the slot is behind it', async () => {
  await using database = await published()
  const checkpoint = await (async () => {
    await using stream = await openStream(database)
    await database.query(insert('stored'))
    await until(() => stream.of('commit').length === 1)
    return endOf(stream, 0)
  })()

  await database.query(insert('next'))
  await using again = await openStream(database, { startAt: checkpoint })
  await until(() => again.of('commit').length === 1)
  expect(again.inserted()).toEqual(['next'])
})

test('a handler that throws ends the stream permanently', async () => {
  await using database = await published()
  const failure = new Error('cannot take it')
  await using stream = await openStream(database, {
    onEvent: ({ kind }) => {
      if (kind === 'change') throw failure
    },
  })
  await database.query(insert('poison', 'next'))

  await expect(stream.ended).rejects.toBe(failure)
  expect(stream.inserted()).toEqual(['poison'])
})

test('a message that cannot be decoded ends the stream permanently', async () => {
  await using database = await published()
  const decoder = new PgoutputDecoder('all')
  const failure = new Error('cannot read it')
  let failed = false
  await using stream = await openStream(database, {
    decoder: {
      decode(bytes, from, to) {
        const event = decoder.decode(bytes, from, to)
        if (event?.kind !== 'change' || failed) return event
        failed = true
        throw failure
      },
      decodeInPieces: (length) => decoder.decodeInPieces(length),
    },
  })
  await database.query(insert('poison', 'next'))

  await expect(stream.ended).rejects.toBe(failure)
  expect(stream.inserted()).toEqual([])
})

test('the status contains the right time', async () => {
  await using database = await published()
  await using stream = await openStream(database)
  await stream.roundTrip()

  const [row] = await database.query(
    `select round(extract(epoch from reply_time - now()) / 60) as minutes from pg_stat_replication
     where pid = (select active_pid from pg_replication_slots where slot_name = $1)`,
    [slotOf(database)],
  )
  expect(Number(row?.minutes)).toBe(0)
})
