import { expect, test } from 'vitest'
import { patientsTable, startConnector } from '../support/connector.ts'
import { dropSlot } from '../support/postgres/drop-slot.ts'
import { testDatabase } from '../support/postgres.ts'
import { whenBackfilled } from './asking.ts'

const rows = `insert into patients (code, first_name, plan) select 'p' || n, 'Name', 'premium' from generate_series(1, 300) n;`
const config = { source: { backfill: 'initial', onDelete: 'unsubscribe' } }

test('changes that a lost slot missed are found, and only rows that differ are sent', async () => {
  await using database = await testDatabase({ schema: patientsTable + rows })
  await using connector = await startConnector({ database, config })
  await whenBackfilled(connector)
  await connector.stop()
  const { sandbox, slot } = connector
  await dropSlot(database, slot)
  await database.query(`update patients set first_name = 'Changed' where code = 'p5'`)
  await database.query(`update patients set visits = visits + 1`)
  await database.query(`delete from patients where code = 'p7'`)
  await database.query(`insert into patients (code, plan) values ('new', 'premium')`)
  const before = sandbox.requests.length

  await using again = await startConnector({ database, sandbox, config })
  await again.whenPatient('p7', ({ unsubscribed_at }) => unsubscribed_at !== null)
  await whenBackfilled(again)
  const sent = sandbox.requests.slice(before).filter(({ method }) => method === 'PUT')
  expect(sent.flatMap(({ codes }) => codes).toSorted()).toEqual(['new', 'p5', 'p7'])
  expect(sandbox.patients().get('p5')?.first_name).toBe('Changed')
  await database.query(`update patients set first_name = 'Live' where code = 'p6'`)
  await again.whenPatient('p6', ({ first_name }) => first_name === 'Live')
})

test('a slot that is lost during a backfill starts the backfill again, and no row is left out', async () => {
  await using database = await testDatabase({ schema: patientsTable + rows })
  const slow = { ...config, mediquo: { requestsPerMinute: 60 } }
  await using connector = await startConnector({ database, config: slow, waitFor: 'backfilling' })
  await connector.whenPatient('p1')
  await connector.stop()
  const { sandbox, slot } = connector
  await dropSlot(database, slot)
  await database.query(`update patients set first_name = 'Changed' where code in ('p1', 'p300')`)

  await using again = await startConnector({ database, sandbox, config })
  await again.whenPatient('p300', ({ first_name }) => first_name === 'Changed')
  await whenBackfilled(again)
  expect(sandbox.patients().get('p1')?.first_name).toBe('Changed')
  expect(sandbox.patients().size).toBe(300)
  expect(await database.query('select state, reason from mediquo_cdc.backfill order by id')).toEqual([
    { state: 'replaced', reason: 'first run' },
    { state: 'done', reason: 'slot lost' },
  ])
})
