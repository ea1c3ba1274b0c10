import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { defaultKeys } from '../../src/sandbox/sandbox-state.ts'
import { runProgram } from '../cli/run-command.ts'
import { workspace } from '../config/loading.ts'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { startConnector } from '../support/connector.ts'
import { until } from '../support/until.ts'

const text = 'select specialty'

test.each([403, 406, 401])('a row to which a firewall answers %i as a page is rejected alone', async (status) => {
  await using connector = await startConnector()
  const { database, sandbox } = connector
  sandbox.faults.add({ kind: 'firewall', text, status })
  // In one transaction: the good rows are sent together with the bad ones, and show that the API accepts patients.
  await database.query(`begin;
    insert into patients (code, plan) select 'c' || n, 'p' from generate_series(1, 30) n;
    update patients set last_name = '${text}' where code = 'c17';
    insert into patients (code, last_name, plan) values ('bad', '${text}', 'p');
    commit`)
  await connector.whenPatient('c30')
  await connector.whenAcknowledged()
  const dead = await database.query('select code, reason from mediquo_cdc.dead_letter order by code')
  expect(dead.map(({ code }) => code)).toEqual(['bad', 'c17'])
  await database.query("update patients set last_name = 'specialty' where code in ('bad', 'c17')")
  await expectBothEndsEqual(connector)
  await until(async () => (await connector.status()).deadLetters === 0)
  expect(await connector.status()).toMatchObject({ reason: null })
})

test('check is not green while a row that waits alone halts the sending, and another row ends that', async () => {
  await using connector = await startConnector()
  const { database, sandbox, slot } = connector
  sandbox.faults.add({ kind: 'firewall', text, status: 403 })
  await database.query("insert into patients (code, last_name, plan) values ('bad', $1, 'p')", [text])
  await connector.whenRaised('MQ2003')
  const { reason } = await connector.status()
  expect(reason).toBe('the API refuses every patient alike (403)')
  const config = { source: { table: 'public.patients', slot }, http: { port: connector.port() } }
  using directory = workspace({ 'config/mediquo-cdc.yaml': stringify(config) })
  const env = {
    DATABASE_URL: database.url,
    MEDIQUO_BASE_URL: sandbox.baseUrl,
    MEDIQUO_API_KEY: defaultKeys.apiKey,
    MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
  }
  const check = () => runProgram(['check'], { cwd: directory.cwd, env, confirm: null })
  const failed = await check()
  expect([failed.status, failed.text]).toEqual([3, expect.stringContaining(reason ?? '')])
  await database.query("insert into patients (code, plan) values ('good', 'p')")
  await connector.whenPatient('good')
  await connector.whenSettled()
  await database.query("delete from patients where code = 'bad'")
  await expectBothEndsEqual(connector)
  expect((await check()).text).not.toContain('the running connector can send patients')
})

test('keys that may read but not write reject no row, and everything is delivered once they may', async () => {
  await using connector = await startConnector()
  const { database, sandbox } = connector
  sandbox.faults.add({ kind: 'status', status: 403, endpoint: 'put', times: null })
  await database.query("insert into patients (code, plan) select 'c' || n, 'p' from generate_series(1, 6) n")
  await connector.whenRaised('MQ2003')
  await database.query("insert into patients (code, plan) values ('c7', 'p')")
  sandbox.faults.clear()
  await expectBothEndsEqual(connector)
  expect((await connector.status()).deadLetters).toBe(0)
})
