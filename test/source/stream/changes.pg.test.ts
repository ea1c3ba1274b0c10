import { expect, test } from 'vitest'
import { type RunningConnector, startConnector } from '../../support/connector.ts'
import { postgresMajor } from '../../support/postgres.ts'

const unsubscribe = { source: { onDelete: 'unsubscribe' } }
const insertJane = `insert into patients (code, email, plan) values ('jane', 'jane@example.org', 'premium')`
const putRequests = ({ sandbox }: RunningConnector) => sandbox.requests.filter(({ method }) => method === 'PUT').length

test('an update of columns that are not sent costs no request', async () => {
  await using connector = await startConnector()
  const { database } = connector
  await database.query(insertJane)
  await connector.whenPatient('jane')
  await connector.whenSettled()
  const before = putRequests(connector)

  for (let visit = 0; visit < 20; visit++) await database.query('update patients set visits = visits + 1')
  await connector.whenSettled()
  expect(putRequests(connector)).toBe(before)
  expect((await connector.status()).delivery.unchanged).toBeGreaterThan(0)
})

test('a deleted row, of which only the key is streamed, is unsubscribed with its whole patient', async () => {
  await using connector = await startConnector({ config: unsubscribe })
  await connector.database.query(insertJane)
  const before = await connector.whenPatient('jane')

  await connector.database.query('delete from patients')
  const after = await connector.whenPatient('jane', ({ plan }) => plan === null)
  expect({ ...after, plan: before.plan, unsubscribed_at: null, updated_at: before.updated_at }).toEqual(before)
})

test('a deleted row whose key is not the code is unsubscribed by the code that it had', async () => {
  await using connector = await startConnector({
    config: unsubscribe,
    schema: `create table patients (id serial primary key, code text not null, first_name text default 'Jane',
      gender text default 'female', birth_date date default '1980-01-01', plan text default 'premium')`,
  })
  await connector.database.query(`insert into patients (code) values ('jane')`)
  await connector.whenPatient('jane', ({ plan }) => plan === 'premium')

  await connector.database.query('delete from patients')
  await connector.whenPatient('jane', ({ plan }) => plan === null)
})

test('a changed key unsubscribes the old code and sends the new one', async () => {
  await using connector = await startConnector({ config: unsubscribe })
  await connector.database.query(insertJane)
  await connector.whenPatient('jane')

  await connector.database.query(`update patients set code = 'janet'`)
  await connector.whenPatient('janet', ({ plan }) => plan === 'premium')
  await connector.whenPatient('jane', ({ plan }) => plan === null)
})

test.skipIf(postgresMajor < 15)(
  'a row that leaves the row filter is unsubscribed, and a row that enters it is sent',
  async () => {
    await using connector = await startConnector({
      config: { source: { onDelete: 'unsubscribe', where: `email <> ''` } },
      schema: `create table patients (code text not null, first_name text default 'Jane', gender text default 'female',
      birth_date date default '1980-01-01', email text not null, plan text, primary key (code, email))`,
    })
    const { database } = connector
    await database.query(`insert into patients (code, email, plan) values ('jane', 'jane@example.org', 'premium')`)
    await database.query(`insert into patients (code, email, plan) values ('hidden', '', 'premium')`)
    await connector.whenPatient('jane', ({ plan }) => plan === 'premium')

    await database.query(`update patients set email = '' where code = 'jane'`)
    await connector.whenPatient('jane', ({ plan }) => plan === null)
    expect(connector.sandbox.patients().has('hidden')).toBe(false)

    await database.query(`update patients set email = 'here@example.org' where code = 'hidden'`)
    await connector.whenPatient('hidden', ({ plan }) => plan === 'premium')
  },
)
