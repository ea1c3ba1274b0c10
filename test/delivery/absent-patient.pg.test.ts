import { expect, test } from 'vitest'
import { testSandbox } from '../sandbox/sandbox-client.ts'
import { startConnector } from '../support/connector.ts'
import { rewritingFront } from '../support/network/rewriting-front.ts'
import { until } from '../support/until.ts'

const schema = `create table patients (id int primary key, code text not null, first_name text not null default 'Jane',
  gender text not null default 'female', birth_date date not null default '1980-01-01', plan text default 'premium');`
const config = { source: { onDelete: 'unsubscribe' } } as const

test('a patient that the API applies long after its answer is unsubscribed, though it is absent at first', async () => {
  await using sandbox = await testSandbox({ settings: { applyDelayMs: 15_000 } })
  await using connector = await startConnector({ schema, sandbox, config })
  const { database } = connector
  await database.query(`insert into patients (id, code) values (1, 'jane')`)
  await connector.whenSettled()
  await database.query('delete from patients')
  await until(() => sandbox.patients().get('jane')?.unsubscribed_at != null, { deadlineMs: 100_000 })
  expect(
    sandbox.requests.filter(({ endpoint, status }) => endpoint === 'get' && status === 404).length,
  ).toBeGreaterThan(2)
  await connector.whenAcknowledged()
  expect(await database.query('select code, removed from mediquo_cdc.delivery')).toEqual([
    { code: 'jane', removed: 't' },
  ])
})

test('a patient that the API cannot find is not taken for unsubscribed, and stops no other row', async () => {
  await using sandbox = await testSandbox()
  await using front = await rewritingFront(sandbox, {
    shown: (patient) => (patient.code === 'a/hidden' ? null : patient),
  })
  const environment = { MEDIQUO_BASE_URL: front.baseUrl }
  await using connector = await startConnector({ schema, sandbox, environment, config })
  const { database } = connector
  await database.query(`insert into patients (id, code) values (1, 'a/hidden'), (2, 'other')`)
  await connector.whenPatient('a/hidden')
  await connector.whenPatient('other')
  // Of a code that was never accepted, absence is believed.
  await connector.whenSettled()
  await database.query('delete from patients')
  await until(() => sandbox.patients().get('other')?.unsubscribed_at != null)
  await connector.whenAcknowledged()
  const hidden = await database.query(
    `select removed, owed, sought_since is not null as sought from mediquo_cdc.delivery where code = 'a/hidden'`,
  )
  expect(hidden).toEqual([{ removed: 'f', owed: expect.stringContaining('end'), sought: 't' }])
})
