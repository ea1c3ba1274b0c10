import { expect, test } from 'vitest'
import type { FaultInput } from '../../src/sandbox/api/faults.ts'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { startConnector } from '../support/connector.ts'

const config = { source: { onDelete: 'unsubscribe' } }
const every = { endpoint: 'put', times: null } as const
const applied = { kind: 'fail after applying', ...every } as const

const forms: readonly [string, FaultInput][] = [
  ['204', { ...applied, answer: 204 }],
  ['201', { ...applied, answer: 201, body: { message: 'Success' } }],
  ['an empty list of errors', { ...applied, answer: 200, body: { message: 'Success', errors: [] } }],
  ['no message', { ...applied, answer: 200, body: {} }],
  ['another wording', { ...applied, answer: 200, body: { message: 'Patients were stored' } }],
]

test.each(forms)('a success with %s is read back, named, and taken as a delivery', async (_, fault) => {
  await using connector = await startConnector({ config })
  const { database, sandbox } = connector
  sandbox.faults.add(fault)
  await database.query("insert into patients (code, plan) select 'c' || n, 'p' from generate_series(1, 7) n")
  await connector.whenRaised('MQ2006')
  await connector.whenPatient('c7')
  await connector.whenSettled()
  await database.query("update patients set first_name = 'new' where code = 'c3'")
  await database.query("delete from patients where code = 'c5'")
  await expectBothEndsEqual(connector)
  const sent = sandbox.requests.filter(({ method }) => method === 'PUT').flatMap(({ codes }) => codes)
  // Seven rows, one update and one removal: nothing is sent twice.
  expect(sent.toSorted()).toEqual(['c1', 'c2', 'c3', 'c3', 'c4', 'c5', 'c5', 'c6', 'c7'])
  expect((await connector.status()).deadLetters).toBe(0)
})

test('a page that delivers nothing halts the sending with the reason, until the API answers again', async () => {
  await using connector = await startConnector({ config })
  const { database, sandbox } = connector
  // A first proof shows how soon the API applies what it accepts: without one, a row is looked at for a minute.
  sandbox.faults.add({ ...applied, answer: 204, times: 1 })
  await database.query("insert into patients (code, plan) values ('first', 'p')")
  await connector.whenSettled()
  sandbox.faults.add({ kind: 'status', status: 200, body: '<html>Sign in</html>', ...every })
  await database.query("insert into patients (code, plan) select 'c' || n, 'p' from generate_series(1, 5) n")
  await connector.whenRaised('MQ2005')
  const status = await connector.status()
  expect(status.reason).toMatch(/answers 200, which is not its documented success/)
  expect(sandbox.patients().has('c1')).toBe(false)
  const ready = await fetch(`http://127.0.0.1:${connector.port()}/readyz`)
  expect(ready.status).toBe(503)
  sandbox.faults.clear()
  await expectBothEndsEqual(connector)
  expect((await connector.status()).deadLetters).toBe(0)
})
