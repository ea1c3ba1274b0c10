import { expect, test } from 'vitest'
import { patientsTable, startConnector } from '../support/connector.ts'
import { ownServer } from '../support/own-server.ts'
import { passingClocks } from '../support/passing-clocks.ts'
import { newClient } from '../support/postgres/connections.ts'
import { testDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

/** Opens another session that locks the table until it ends. */
async function locked(url: string) {
  const client = newClient({ connectionString: url })
  await client.connect()
  await client.query('begin')
  await client.query('lock table patients in access exclusive mode')
  return { [Symbol.asyncDispose]: () => client.end() }
}

test('a row that cannot be read holds the position: that is reported after a minute, and not once the row is sent', async () => {
  // Its own server: the open transaction would hold up the slots of every other test.
  await using server = await ownServer()
  await using database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  await database.query('alter table patients alter column email set storage external')
  const email = `'${'x'.repeat(50)}@example.org'`
  await database.query(`insert into patients (code, plan, email, meta)
    select 'p1', 'premium', ${email}, jsonb_build_object('note', string_agg(md5(i::text), '')) from generate_series(1, 300) i`)
  {
    await using _ = await startConnector({ database })
  }
  // The meta of the row is missing in the change, because it is stored out of line.
  await database.query(`update patients set first_name = 'New'`)
  const lock = await locked(database.url)
  const clocks = passingClocks()
  await using connector = await startConnector({ database, clocks })
  const readiness = async () => {
    const response = await fetch(`http://127.0.0.1:${connector.port()}/readyz`)
    return { status: response.status, text: await response.text() }
  }
  await until(async () => (await connector.status()).delivery.pending > 0)
  clocks.pass(50_000)
  expect((await readiness()).status).toBe(200)
  clocks.pass(11_000)
  const unready = await readiness()
  expect([unready.status, unready.text]).toEqual([503, expect.stringMatching(/nothing has been settled for 6\d s/)])
  const { problems, state } = await connector.status()
  expect([state, problems]).toEqual(['streaming', [expect.objectContaining({ code: 'MQ2101', severity: 'warning' })]])
  await lock[Symbol.asyncDispose]()
  await until(async () => (await readiness()).status === 200, { deadlineMs: 60_000 })
  await connector.whenPatient('p1', ({ first_name }) => first_name === 'New')
})
