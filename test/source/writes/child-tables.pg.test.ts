import { expect, test } from 'vitest'
import { patientsTable, startConnector } from '../../support/connector.ts'

const childTables = 'MQ1104'

test('a child table keeps its writes, and its rows are not silently left out', async () => {
  await using connector = await startConnector({
    schema: `${patientsTable} create table "Old patients" () inherits (patients);
      insert into patients (code) values ('p1'); insert into "Old patients" (code) values ('p2');`,
    config: { source: { backfill: 'initial' } },
  })
  const { database } = connector
  const raised = connector.whenRaised(childTables)
  await connector.whenPatient('p1')
  await database.query(`update patients set first_name = 'Mary'`)
  await connector.whenPatient('p1', ({ first_name }) => first_name === 'Mary')
  await database.query('delete from "Old patients"')
  await database.query(`insert into "Old patients" (code) values ('p3')`)
  await connector.whenSettled()
  expect([...connector.sandbox.patients().keys()]).toEqual(['p1'])
  expect(await raised).toMatchObject({
    detail: expect.stringContaining('the rows of public."Old patients" are neither published nor read'),
  })
})
