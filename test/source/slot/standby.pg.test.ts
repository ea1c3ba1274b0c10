import { expect, test } from 'vitest'
import { startConnector } from '../../support/connector.ts'

test('a second instance waits while the slot is in use, sends nothing, and takes over when it is free', async () => {
  await using first = await startConnector()
  const { database, sandbox } = first
  await using second = await startConnector({ database, sandbox, waitFor: 'standby' })
  await database.query(`insert into patients (code) values ('jane')`)
  await first.whenPatient('jane')
  expect((await second.status()).delivery.delivered).toBe(0)
  expect((await first.status()).state).toBe('streaming')

  await first.stop()
  await second.whenState('streaming')
  await database.query(`insert into patients (code) values ('john')`)
  await second.whenPatient('john')
  expect((await second.status()).delivery.delivered).toBe(1)
})

test('an instance that takes over counts the requests of the other one in the last minute', async () => {
  await using first = await startConnector()
  const { database, sandbox } = first
  await using second = await startConnector({ database, sandbox, waitFor: 'standby' })
  for (const code of ['jane', 'john', 'jack']) {
    await database.query('insert into patients (code) values ($1)', [code])
    await first.whenPatient(code)
  }
  await first.whenSettled()
  const sent = (await first.status()).delivery.requestsLastMinute
  await first.stop()
  await second.whenState('streaming')
  expect((await second.status()).delivery.requestsLastMinute).toBe(sent)
})
