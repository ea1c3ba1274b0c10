import { expect, test } from 'vitest'
import { parseLsn } from '../../../src/model/source/lsn.ts'
import { type RunningConnector, startConnector } from '../../support/connector.ts'
import { commitTogether } from '../../support/postgres/adjacent-commits.ts'
import type { TestDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

const insert = (code: string) => `insert into patients (code) values ('${code}')`
const oneByOne = { mediquo: { batchSize: 1, maxInFlight: 2 } }

async function positions({ database, slot }: RunningConnector) {
  const [row] = await database.query(
    `select confirmed_flush_lsn as confirmed, (select lsn from mediquo_cdc.checkpoint) as stored
     from pg_replication_slots where slot_name = $1`,
    [slot],
  )
  return { confirmed: parseLsn(row?.confirmed ?? ''), stored: parseLsn(row?.stored ?? '') }
}

/** Returns the position in the WAL after everything that was committed so far. */
async function walPosition(database: TestDatabase) {
  const [row] = await database.query('select pg_current_wal_insert_lsn() as lsn')
  return parseLsn(row?.lsn ?? '')
}

/** Returns the rows that the store has as delivered. It has the others before they are sent. */
async function recordedRows(database: TestDatabase): Promise<number> {
  const [row] = await database.query('select count(fingerprint) as rows from mediquo_cdc.delivery')
  return Number(row?.rows)
}

test('a row that was not delivered holds the confirmed position, whatever is delivered and kept alive after it', async () => {
  await using connector = await startConnector({ config: oneByOne })
  const { database, sandbox } = connector
  sandbox.faults.add({ kind: 'hold', id: 'first', endpoint: 'put' })
  await database.query(insert('first'))
  const after = await walPosition(database)
  await sandbox.faults.whenHeld('first')
  await database.query(insert('second'))
  await until(async () => (await recordedRows(database)) === 1)
  // The server has advanced: its keepalives have arrived.
  await until(async () => parseLsn((await connector.status()).source.receivedLsn ?? '0/0') > after)
  await database.query(insert('third'))
  await until(async () => (await recordedRows(database)) === 2)

  const { confirmed, stored } = await positions(connector)
  expect(stored).toBeLessThan(after)
  expect(confirmed).toBeLessThanOrEqual(stored)

  sandbox.faults.release('first')
  await connector.whenAcknowledged(after)
})

test('nothing is confirmed that could not be stored', async () => {
  await using connector = await startConnector()
  const { database } = connector
  await database.query(
    `alter table mediquo_cdc.delivery add constraint full_disk check (fingerprint is null) not valid`,
  )
  await database.query(insert('jane'))
  const after = await walPosition(database)
  await until(async () => (await connector.status()).delivery.delivered === 1)
  await connector.whenLogged('the state cannot be written, trying again')

  const { confirmed, stored } = await positions(connector)
  expect(confirmed).toBeLessThanOrEqual(stored)
  expect(confirmed).toBeLessThan(after)
  await database.query(`alter table mediquo_cdc.delivery drop constraint full_disk`)
  await connector.whenAcknowledged(after)
})

test('nothing is sent that could not be noted before', async () => {
  await using connector = await startConnector()
  const { database, sandbox } = connector
  await database.query(`alter table mediquo_cdc.delivery add constraint full_disk check (false) not valid`)
  await database.query(insert('jane'))
  await connector.whenLogged('the state cannot be written, trying again')
  expect(sandbox.requests.filter(({ method }) => method === 'PUT')).toEqual([])
  await database.query(`alter table mediquo_cdc.delivery drop constraint full_disk`)
  await connector.whenPatient('jane')
})

test('of two adjacent commits, the second is streamed after a restart if only the first was delivered', async () => {
  await using connector = await startConnector({ config: { mediquo: { batchSize: 1, maxInFlight: 1 } } })
  const { database, sandbox } = connector
  sandbox.faults.add({ kind: 'slow', delayMs: 0, endpoint: 'put' })
  sandbox.faults.add({ kind: 'status', status: 503, times: null, endpoint: 'put' })
  await commitTogether(database, insert('first'), insert('second'))
  await connector.whenPatient('first')
  await until(async () => (await connector.status()).delivery.lastError !== null)
  await connector.stop()
  await until(async () => {
    const { confirmed, stored } = await positions(connector)
    return confirmed === stored
  })
  expect(await recordedRows(database)).toBe(1)

  sandbox.faults.clear()
  await using restarted = await startConnector({ database, sandbox })
  await restarted.whenPatient('second')
})

test('an idle table in a busy database retains no WAL', async () => {
  await using connector = await startConnector()
  const { database } = connector
  await database.query('create table elsewhere as select generate_series(1, 100000) as n')
  await connector.whenAcknowledged()
  expect(connector.sandbox.requests.filter(({ method }) => method === 'PUT')).toEqual([])
})
