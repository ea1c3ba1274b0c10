import { expect, test } from 'vitest'
import { patientsTable, startConnector } from '../support/connector.ts'

const long = (letter: string) => JSON.stringify({ note: letter.repeat(10_000) })
/** Out of line and not compressed, so that an update of another column leaves the value out. */
const schema = `${patientsTable} alter table patients alter column meta set storage external;`

test('an update of another column leaves an unchanged long value as it is', async () => {
  await using connector = await startConnector({ schema })
  const { database } = connector
  await database.query(`insert into patients (code, meta) values ('jane', $1)`, [long('x')])
  await connector.whenPatient('jane')

  await database.query(`update patients set first_name = 'Janet' where code = 'jane'`)
  const janet = await connector.whenPatient('jane', (patient) => patient.first_name === 'Janet')
  expect(JSON.stringify(janet.meta)).toBe(long('x'))
})

test('a long value that came before a restart is read from the table', async () => {
  await using connector = await startConnector({ schema: `${schema} insert into patients (code) values ('jane');` })
  const { database } = connector
  await database.query(`update patients set meta = $1`, [long('x')])
  await connector.whenPatient('jane')
  await connector.stop()
  connector.sandbox.reset()

  await using restarted = await startConnector({ database, sandbox: connector.sandbox })
  await database.query(`update patients set first_name = 'Janet'`)
  const janet = await restarted.whenPatient('jane')
  expect(JSON.stringify(janet.meta)).toBe(long('x'))
})

test('a long value that waits to be sent survives an update of another column', async () => {
  await using connector = await startConnector({ schema })
  const { database, sandbox } = connector
  sandbox.faults.add({ kind: 'down' })
  await database.query(`insert into patients (code, meta) values ('jane', $1)`, [long('x')])
  await database.query(`update patients set meta = $1`, [long('y')])
  await database.query(`update patients set first_name = 'Janet'`)
  sandbox.faults.clear()

  const janet = await connector.whenPatient('jane', (patient) => patient.first_name === 'Janet')
  expect(JSON.stringify(janet.meta)).toBe(long('y'))
})

test('a long value that was set to NULL is cleared', async () => {
  await using connector = await startConnector({ schema })
  const { database } = connector
  await database.query(`insert into patients (code, meta) values ('jane', $1)`, [long('x')])
  await connector.whenPatient('jane', ({ meta }) => meta !== null)
  await database.query(`update patients set meta = null`)
  await connector.whenPatient('jane', ({ meta }) => meta === null)
})
