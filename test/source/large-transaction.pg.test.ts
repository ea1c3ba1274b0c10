import { expect, test } from 'vitest'
import { parseLsn } from '../../src/model/lsn.ts'
import { startConnector } from '../support/connector.ts'
import { until } from '../support/until.ts'

/** 45 MB: more than may wait in memory, so the stream is paused in the middle of the transaction. */
const rows = 3_000
const insert = `insert into patients (code, meta)
  select 'p' || n, jsonb_build_object('note', repeat('x', 15000)) from generate_series(1, ${rows}) n`

test('a transaction larger than memory is sent before it is whole, and confirmed only when every row of it is settled', async () => {
  await using connector = await startConnector({ config: { mediquo: { maxInFlight: 2 } } })
  const { database, sandbox, slot } = connector
  for (const id of ['one', 'other']) sandbox.faults.add({ kind: 'hold', id, endpoint: 'put' })
  await database.query(insert)
  const [position] = await database.query('select pg_current_wal_insert_lsn() as lsn')
  const end = parseLsn(position?.lsn ?? '')

  for (const id of ['one', 'other']) await sandbox.faults.whenHeld(id)
  const { source, delivery } = await connector.status()
  expect(parseLsn(source.receivedLsn ?? '')).toBeLessThan(end)
  expect(delivery.pending).toBeLessThan(rows)

  sandbox.faults.release('one')
  await until(
    async () => {
      const [row] = await database.query('select count(*) as rows from mediquo_cdc.delivery')
      return Number(row?.rows) === rows - 100
    },
    { deadlineMs: 60_000 },
  )
  const [state] = await database.query(
    `select confirmed_flush_lsn as confirmed, (select lsn from mediquo_cdc.checkpoint) as stored
     from pg_replication_slots where slot_name = $1`,
    [slot],
  )
  expect(parseLsn(state?.stored ?? '')).toBeLessThan(end)
  expect(parseLsn(state?.confirmed ?? '')).toBeLessThanOrEqual(parseLsn(state?.stored ?? ''))

  sandbox.faults.release('other')
  await connector.whenAcknowledged(end)
  expect(sandbox.patients().size).toBe(rows)
}, 120_000)
