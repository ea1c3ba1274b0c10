import { expect, test } from 'vitest'
import { patientsTable, startConnector } from '../support/connector.ts'
import { synchronousServer } from '../support/postgres/synchronous-server.ts'
import { askForBackfill } from './asking.ts'

test('does not send a row that was read in an older version than the one streamed', async () => {
  await using server = await synchronousServer(`${patientsTable} insert into patients (code) values ('quiet')`)
  const { database } = server
  await using connector = await startConnector({ database })
  await database.query(`insert into patients (code, first_name) values ('jane', 'Old')`)
  await connector.whenPatient('jane', ({ first_name }) => first_name === 'Old')

  await server.holdCommits()
  const writer = await server.writer()
  const committed = writer.query(`update patients set first_name = 'New' where code = 'jane'`)
  await connector.whenPatient('jane', ({ first_name }) => first_name === 'New')
  await server.whenHeld(1)
  expect(await database.query(`select first_name from patients where code = 'jane'`)).toEqual([{ first_name: 'Old' }])
  await askForBackfill(connector)
  expect(connector.sandbox.patients().get('jane')).toMatchObject({ first_name: 'New' })
  expect(connector.sandbox.patients().has('quiet')).toBe(true)

  await server.releaseCommits()
  await committed
  await askForBackfill(connector)
  await connector.whenSettled()
  const sent = connector.sandbox.requests.filter(({ method, codes }) => method === 'PUT' && codes.includes('jane'))
  expect(sent).toHaveLength(2)
})

test('does not bring back a row whose deletion was streamed and is not visible yet', async () => {
  await using server = await synchronousServer(`${patientsTable} alter table patients replica identity full`)
  const { database } = server
  await using connector = await startConnector({ database, config: { source: { onDelete: 'unsubscribe' } } })
  await database.query(`insert into patients (code, plan) values ('jane', 'premium')`)
  await connector.whenPatient('jane', ({ plan }) => plan === 'premium')

  await server.holdCommits()
  const writer = await server.writer()
  const committed = writer.query(`delete from patients where code = 'jane'`)
  await connector.whenPatient('jane', ({ unsubscribed_at }) => unsubscribed_at !== null)
  await server.whenHeld(1)
  expect(await database.query(`select code from patients`)).toEqual([{ code: 'jane' }])
  await askForBackfill(connector)
  expect(connector.sandbox.patients().get('jane')?.unsubscribed_at).not.toBeNull()
  await server.releaseCommits()
  await committed
})
