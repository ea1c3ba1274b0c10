import { expect, test } from 'vitest'
import { defaultKeys } from '../src/sandbox/sandbox-state.ts'
import { runCommand } from './cli/run-command.ts'
import { testSandbox } from './sandbox/sandbox-client.ts'
import { startConnector } from './support/connector.ts'
import { testDatabase } from './support/postgres.ts'
import { until } from './support/until.ts'

/** Values that occur only in rows. The date is looked for in every form that it may take. */
const person = (i: number) => ({
  given: `Zelda${i}qx`,
  family: `Vermeulen${i}qx`,
  mail: `zv${i}qx@secret.example`,
  plan: `plan${i}qx`,
  note: `diagnosis${i}qx`,
  born: `19${String(20 + (i % 70)).padStart(2, '0')}-11-2${i % 9}`,
})
const rows = 40
const schema = `
  create table patients (id int primary key, code text, given text, family text, sex text, born date, mail text, plan text,
    note text, meta jsonb);
  create publication mediquo_cdc for table patients;
  ${Array.from({ length: rows }, (_, at) => {
    const { given, family, mail, plan, note, born } = person(at)
    return `insert into patients values (${at}, 'c${at}', '${given}', '${family}', '${at % 2 ? 'male' : 'female'}', '${born}', '${mail}', '${plan}', '${note}', '{"ward": "${note}"}');`
  }).join('\n')}`
const mapping = {
  code: 'code',
  first_name: 'given',
  last_name: 'family',
  gender: 'sex',
  birth_date: 'born',
  email: 'mail',
  plan: 'plan',
  meta: 'meta',
}

test('no value of a row is in any log line, metric, page, answer, report, error or table of the connector', async () => {
  await using database = await testDatabase({ schema })
  await using sandbox = await testSandbox()
  await using connector = await startConnector({
    database,
    sandbox,
    config: { mapping, source: { backfill: 'initial', onDelete: 'unsubscribe' }, log: { level: 'trace' } },
  })
  const seen: string[] = []
  const keep = async (path: string) =>
    seen.push(await (await fetch(`http://127.0.0.1:${connector.port()}${path}`)).text())
  const keepAll = async () => {
    for (const path of ['/', '/status', '/metrics', '/readyz', '/healthz']) await keep(path)
  }
  await until(() => sandbox.patients().size === rows)

  // Rows that the connector or the API refuses, an API that fails with 5xx, codes and keys that change, changes by other clients.
  sandbox.reject({ codes: ['c1', 'c2'] })
  await database.query(`update patients set given = given || 'r' where id < 6`)
  await database.query(
    `update patients set sex = 'Vermeulen3qx' where id = 3; update patients set born = '10000-01-01' where id = 4`,
  )
  await database.query(
    `update patients set code = 'd' || id, id = id + 1000 where id between 10 and 14; delete from patients where id = 20`,
  )
  await until(async () => (await connector.status()).deadLetters === 4)
  await keepAll()
  sandbox.faults.add({ kind: 'status', status: 500, times: 3 })
  sandbox.faults.add({ kind: 'reset', times: 1 })
  await database.query(`update patients set family = family || 'r' where id > 20`)
  await connector.whenSettled()

  const keys = {
    MEDIQUO_API_KEY: defaultKeys.apiKey,
    MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
    MEDIQUO_BASE_URL: sandbox.baseUrl,
  }
  const run = async (...args: string[]) => {
    const { text } = await runCommand(args, { database, mapping, source: { slot: connector.slot } }, keys).catch(
      (error: unknown) => ({ text: String(error) }),
    )
    seen.push(text)
  }
  sandbox.reset()
  for (const args of [
    ['check'],
    ['setup'],
    ['status'],
    ['verify', '--sample', '5'],
    ['dead-letters', 'list'],
    ['dead-letters', 'list', '--json'],
    ['verify', '--code', 'c5', 'c6', '--json'],
    ['init', '--table', 'public.patients', '--output', 'proposed.yaml'],
    ['teardown'],
  ])
    await run(...args)

  // A column that causes a read to fail, and a state in which nothing goes on.
  await database.query(
    `alter table patients alter column born type text using given; update patients set family = 'x' where id = 30`,
  )
  await database.query(`alter table patients drop column mail`)
  await connector.whenState('blocked')
  await keepAll()
  await run('check')

  const tables = await database.query(
    `select table_name as name from information_schema.tables where table_schema = 'mediquo_cdc'`,
  )
  for (const { name } of tables)
    seen.push(JSON.stringify(await database.query(`select t::text from mediquo_cdc.${name} t`)))
  seen.push(connector.log.map((line) => JSON.stringify(line)).join('\n'))
  const all = seen.join('\n')
  expect(all).toContain('c1')
  expect(all.length).toBeGreaterThan(20_000)
  const values = Array.from({ length: rows }, (_, at) => Object.values(person(at))).flat()
  expect([...new Set(values)].filter((value) => all.includes(value))).toEqual([])
})
