import { expect, test } from 'vitest'
import { parseLsn } from '../../../src/model/source/lsn.ts'
import { startConnector } from '../../support/connector.ts'
import { until } from '../../support/until.ts'

/** 45 MB: more than may wait in memory. */
const rows = 3_000
const insert = `insert into patients (code, meta)
  select 'p' || n, jsonb_build_object('note', repeat('x', 15000)) from generate_series(1, ${rows}) n`

test('a transaction larger than memory arrives whole before any row of it is sent, and is confirmed once every row is settled or noted', async () => {
  await using connector = await startConnector()
  const { database, sandbox, slot } = connector
  sandbox.faults.add({ kind: 'hold', id: 'first', endpoint: 'put' })
  await database.query(insert)
  const [position] = await database.query('select pg_current_wal_insert_lsn() as lsn')
  const end = parseLsn(position?.lsn ?? '')

  await sandbox.faults.whenHeld('first')
  const { source } = await connector.status()
  expect(parseLsn(source.receivedLsn ?? '')).toBeGreaterThanOrEqual(end - 1_000n)
  const [noted] = await database.query('select count(*) as rows from mediquo_cdc.delivery where owed is not null')
  expect(Number(noted?.rows)).toBeGreaterThan(rows / 3)
  const [state] = await database.query(
    `select confirmed_flush_lsn as confirmed, (select lsn from mediquo_cdc.checkpoint) as stored
     from pg_replication_slots where slot_name = $1`,
    [slot],
  )
  expect(parseLsn(state?.stored ?? '')).toBeLessThan(end)
  expect(parseLsn(state?.confirmed ?? '')).toBeLessThanOrEqual(parseLsn(state?.stored ?? ''))

  sandbox.faults.release('first')
  await connector.whenAcknowledged(end)
  await until(() => sandbox.patients().size === rows, { deadlineMs: 60_000 })
  await until(async () => {
    const owed = await database.query('select 1 from mediquo_cdc.delivery where owed is not null')
    return owed.length === 0
  })
}, 120_000)
