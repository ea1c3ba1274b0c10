import { describe, expect, test } from 'vitest'
import type { FaultInput } from '../../src/sandbox/api/faults.ts'
import { testSandbox } from '../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { startConnector } from '../support/connector.ts'
import { passingClocks } from '../support/passing-clocks.ts'
import { until } from '../support/until.ts'

/** A request without an answer is given up long after a test has failed. */
const config = {
  source: { onDelete: 'unsubscribe' },
  mediquo: { requestTimeout: '300s', maxInFlight: 1 },
}
const insert = (prefix: string, rows: number) =>
  `insert into patients (code, plan) select '${prefix}' || n, 'premium' from generate_series(1, ${rows}) n;`
const reads = { endpoint: 'get', times: null } as const

// Slow: a code is unsubscribed only 5 s after the API accepted a version of it, since that may not be applied yet.
describe('an API that does not answer when patients are read back', { concurrent: true, timeout: 120_000 }, () => {
  test('holds up no change', async () => {
    await using sandbox = await testSandbox()
    await using connector = await startConnector({ sandbox, config })
    const { database } = connector
    await database.query(insert('p', 12))
    await connector.whenPatient('p12')
    sandbox.faults.add({ kind: 'hold', id: 'reads', ...reads })
    await database.query(`delete from patients where code <> 'p1'`)
    const held = () => sandbox.requests.filter(({ endpoint, status }) => endpoint === 'get' && status === null).length
    await until(() => held() >= 2)
    for (const code of ['new1', 'new2', 'new3']) {
      await database.query(`insert into patients (code, plan) values ('${code}', 'premium')`)
      await connector.whenPatient(code)
    }
    sandbox.faults.clear()
    sandbox.faults.release('reads')
    await expectBothEndsEqual(connector)
    expect((await connector.status()).deadLetters).toBe(0)
  })

  test.each<[string, FaultInput, string]>([
    ['fails', { kind: 'status', status: 500, ...reads }, 'GET /patients/{code}: status 500'],
    [
      'answers a page',
      { kind: 'status', status: 200, body: '<h1>Sign in</h1>', ...reads },
      'GET /patients/{code}: unintelligible answer',
    ],
    ['resets the connection', { kind: 'reset', ...reads }, 'GET /patients/{code}: connection'],
  ])('and %s is a problem after a minute, and none after one answer', async (_, fault, detail) => {
    await using sandbox = await testSandbox()
    const clocks = passingClocks()
    await using connector = await startConnector({ sandbox, config, clocks })
    const { database } = connector
    const named = async (name: string) => {
      await database.query(`update patients set first_name = '${name}'`)
      await connector.whenPatient('p1', ({ first_name }) => first_name === name)
      await connector.whenSettled()
    }
    await database.query(insert('p', 1))
    await connector.whenSettled()
    sandbox.faults.add(fault)
    const attempts = () => sandbox.requests.filter(({ endpoint }) => endpoint === 'get').length
    const before = attempts()
    // Accepted twice within the time that the API takes to apply: it is to be read back.
    await named('Eva')
    clocks.pass(6_000)
    await until(() => attempts() > before)
    expect((await connector.status()).problems).toEqual([])
    clocks.pass(61_000)
    expect(await connector.whenRaised('MQ2011')).toMatchObject({ level: 40, reason: detail.split(': ')[1] })
    expect((await connector.status()).problems).toMatchObject([{ code: 'MQ2011', severity: 'warning', detail }])
    await named('Ana')
    sandbox.faults.clear()
    clocks.pass(6_000)
    await until(() => connector.log.some(({ msg, code }) => msg === 'problem cleared' && code === 'MQ2011'))
    expect((await connector.status()).problems).toEqual([])
    await expectBothEndsEqual(connector)
  })
})

test('a row that a firewall refuses is rejected alone while patients cannot be read back', async () => {
  await using sandbox = await testSandbox()
  await using connector = await startConnector({ sandbox, config: { mediquo: { requestTimeout: '2s' } } })
  const { database } = connector
  sandbox.faults.add({ kind: 'hold', id: 'reads', ...reads })
  sandbox.faults.add({ kind: 'firewall', text: 'select specialty', status: 403, endpoint: 'put' })
  await database.query(`begin; ${insert('c', 3)}
    insert into patients (code, last_name, plan) values ('bad', 'select specialty', 'p'); commit`)
  await connector.whenPatient('c3')
  await until(async () => (await connector.status()).deadLetters === 1)
  await database.query(insert('d', 3))
  await connector.whenPatient('d3')
  await connector.whenAcknowledged()
  sandbox.faults.clear()
  sandbox.faults.release('reads')
  await database.query("update patients set last_name = 'specialty' where code = 'bad'")
  await expectBothEndsEqual(connector)
})
