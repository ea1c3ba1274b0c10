import { expect, test } from 'vitest'
import { startConnector } from '../support/connector.ts'
import { until } from '../support/until.ts'

test('a redirected request delivers nothing: the row is kept, and sent once the API is back', async () => {
  await using connector = await startConnector()
  const { database, sandbox } = connector
  sandbox.faults.add({ kind: 'status', status: 303, headers: { location: '/v1/patients/jane' }, times: null })
  await database.query(`insert into patients (code) values ('jane')`)
  await until(async () => (await connector.status()).delivery.lastError === 'redirected')

  const { delivery, deadLetters } = await connector.status()
  expect([delivery.delivered, delivery.pending, deadLetters]).toEqual([0, 1, 0])
  expect(sandbox.requests.filter(({ endpoint, codes }) => endpoint === 'get' && codes.includes('jane'))).toEqual([])

  sandbox.faults.clear()
  await connector.whenPatient('jane')
})
