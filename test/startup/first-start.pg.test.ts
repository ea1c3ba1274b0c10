import { expect, test } from 'vitest'
import { patientsTable, startConnector } from '../support/connector.ts'
import { ownServer } from '../support/own-server.ts'
import { postgresMajor, testDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

test.each([
  { backfill: 'initial', reasons: [{ reason: 'first run' }] },
  { backfill: 'never', reasons: [] },
])('the first start with backfill: $backfill requests the backfill runs $reasons', async ({ backfill, reasons }) => {
  await using connector = await startConnector({ config: { source: { backfill } }, waitFor: null })
  const { database } = connector
  await until(async () => ['streaming', 'backfilling'].includes((await connector.status()).state))
  expect(await database.query('select reason from mediquo_cdc.backfill')).toEqual(reasons)
  await connector.stop()

  await using again = await startConnector({
    database,
    sandbox: connector.sandbox,
    config: { source: { backfill } },
    waitFor: null,
  })
  await until(async () => ['streaming', 'backfilling'].includes((await again.status()).state))
  expect(await database.query('select reason from mediquo_cdc.backfill')).toEqual(reasons)
})

test('a generated column that is not published is refused in a mapping', async () => {
  const kind = postgresMajor < 18 ? 'stored' : 'virtual'
  await using database = await testDatabase({
    schema: `create table patients (code text primary key, given text, gender text, birth_date date,
      first_name text generated always as (upper(given)) ${kind})`,
  })
  await expect(startConnector({ database })).rejects.toThrow('column "first_name" is generated')
  expect(await database.query('select 1 from pg_publication')).toEqual([])
})

test('a slot that lost its WAL before the first start is recreated, or the start fails, depending on the setting', async () => {
  await using server = await ownServer({ max_slot_wal_keep_size: '1MB', min_wal_size: '32MB', max_wal_size: '64MB' })
  await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  const slot = `slot_${database.name}`
  await database.query('create publication mediquo_cdc for table patients')
  await database.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot])
  await until(async () => {
    await database.query(`select pg_logical_emit_message(false, 'a', 'b'), pg_switch_wal()`)
    await database.query('checkpoint')
    const [found] = await database.query('select wal_status from pg_replication_slots where slot_name = $1', [slot])
    return found?.wal_status === 'lost'
  })

  const stopping = startConnector({ database, config: { source: { onSlotLost: 'stop' } } })
  await expect(stopping).rejects.toMatchObject({ kind: 'check failed', message: expect.stringContaining('lost') })

  await using connector = await startConnector({ database })
  await database.query(`insert into patients (code) values ('jane')`)
  await connector.whenPatient('jane')
})
