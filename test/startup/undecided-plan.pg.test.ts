import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { explainFailure } from '../../src/cli/explain-failure.ts'
import { workspace } from '../config/loading.ts'
import { put, testSandbox } from '../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { patientsTable, startConnector } from '../support/connector.ts'
import { testDatabase } from '../support/postgres.ts'

/** Table that has no column for a plan, with a row of a patient whom mediQuo has. */
const planless = `create table patients (code text primary key, first_name text not null default 'Jane', last_name text, email text,
    gender text not null default 'female', birth_date date not null default '1980-01-01');
  insert into patients (code) values ('jane'), ('john');`
const jane = { code: 'jane', first_name: 'Jane', gender: 'female', birth_date: '1980-01-01', plan: 'premium' }
const mapping = { code: 'code', first_name: 'first_name', gender: 'gender', birth_date: 'birth_date' }
const initial = { backfill: 'initial' }
const asPatients = (plan: string) =>
  `select code, first_name, last_name, gender, birth_date::text as birth_date, email, ${plan} as plan from patients`

test('a table without a plan column is refused before anything is made or sent, and nobody is unsubscribed', async () => {
  await using database = await testDatabase({ schema: planless })
  await using sandbox = await testSandbox()
  await put(sandbox, [jane])
  const starting = startConnector({ database, sandbox, config: { source: initial } })
  const refused = await starting.catch(explainFailure)
  expect(refused).toEqual({
    status: 2,
    message: expect.stringMatching(/^mapping\.plan: .* write "plan: \{ constant: null \}" if that is meant$/),
  })
  expect(sandbox.patients().get('jane')).toMatchObject({ plan: 'premium', unsubscribed_at: null })
  expect(sandbox.patients().has('john')).toBe(false)
  expect(await database.query('select 1 from pg_publication')).toEqual([])
})

test('once the configuration says that there are no plans, they are counted in the log, then both ends are equal', async () => {
  await using sandbox = await testSandbox()
  await put(sandbox, [jane])
  const config = { source: initial, mapping: { ...mapping, plan: { constant: null } } }
  await using connector = await startConnector({ sandbox, schema: planless, config })
  await expectBothEndsEqual(connector, asPatients('null'))
  expect([...sandbox.patients().keys()].toSorted()).toEqual(['jane', 'john'])
  const said = await connector.whenLogged('patients without a plan, mediQuo unsubscribes them')
  expect(said).toMatchObject({ table: 'public.patients', rows: 2, withoutPlan: 2, isWhole: true })
  const firstBatch = connector.log.findIndex(({ msg }) => msg === 'batch accepted')
  expect(firstBatch).toBeGreaterThan(connector.log.indexOf(said))
})

test('a plan that is no longer mapped after a restart is refused, and both ends stay equal', async () => {
  await using database = await testDatabase({
    schema: `${patientsTable} insert into patients (code, plan) values ('jane', 'premium'), ('john', 'basic'), ('jim', null)`,
  })
  await using sandbox = await testSandbox()
  const first = await startConnector({ database, sandbox, config: { source: initial } })
  await expectBothEndsEqual(first)
  expect(await first.whenLogged('patients without a plan, mediQuo unsubscribes them')).toMatchObject({
    rows: 3,
    withoutPlan: 1,
  })
  await first.stop()
  await database.query(`update patients set first_name = 'Mary'`)
  await expect(startConnector({ database, sandbox, config: { mapping } })).rejects.toMatchObject({
    kind: 'mapping invalid',
  })
  expect(sandbox.patients().get('jane')).toMatchObject({ first_name: 'Jane', plan: 'premium', unsubscribed_at: null })
  await using again = await startConnector({ database, sandbox })
  await expectBothEndsEqual(again)
})

test('a plan column without any value is warned about before a patient is sent', async () => {
  await using connector = await startConnector({
    schema: `${patientsTable} insert into patients (code) values ('jane'), ('john')`,
  })
  const warned = await connector.whenLogged('no patient has a plan, mediQuo unsubscribes all of them')
  expect(warned).toMatchObject({ level: 40, rows: 2, withoutPlan: 2 })
})

test('a plan column that is dropped while it is followed blocks, and both ends are equal once it is back', async () => {
  await using connector = await startConnector({
    schema: `${patientsTable} create publication mediquo_cdc for table patients`,
  })
  const { database, sandbox } = connector
  await database.query(`insert into patients (code, plan) values ('jane', 'premium')`)
  await connector.whenPatient('jane')
  await database.query(`alter table patients drop plan; update patients set first_name = 'Mary'`)
  expect((await connector.whenState('blocked')).reason).toContain('mapping.plan')
  expect(sandbox.patients().get('jane')).toMatchObject({ first_name: 'Jane', plan: 'premium', unsubscribed_at: null })
  await database.query(`alter table patients add plan text default 'premium'`)
  await connector.whenState('streaming')
  await expectBothEndsEqual(connector)
})

describe('a transform', () => {
  const starting = async (text: string, schema = planless) => {
    const directory = workspace()
    const transform = join(directory.cwd, 'transform.mjs')
    writeFileSync(transform, text)
    const sandbox = await testSandbox()
    await put(sandbox, [jane])
    const database = await testDatabase({ schema })
    return {
      database,
      sandbox,
      start: () => startConnector({ database, sandbox, config: { source: initial, transform } }),
      async [Symbol.asyncDispose]() {
        await database.dispose()
        await sandbox.close()
        directory[Symbol.dispose]()
      },
    }
  }

  test('that never sets the plan is refused, and nobody is unsubscribed', async () => {
    await using scene = await starting('export default (row, patient) => patient')
    await expect(scene.start()).rejects.toMatchObject({
      kind: 'mapping invalid',
      message: expect.stringContaining('the transform does not set it'),
    })
    expect(scene.sandbox.patients().get('jane')).toMatchObject({ plan: 'premium', unsubscribed_at: null })
    expect(await scene.database.query('select 1 from pg_publication')).toEqual([])
  })

  test('decides about each row: a row whose plan it forgets is a dead letter, and the patient keeps the plan', async () => {
    await using scene = await starting(`export default (row, patient) =>
      row.code === 'jane' ? patient : { ...patient, plan: row.code === 'john' ? 'basic' : null }`)
    await scene.database.query(`insert into patients (code) values ('jim')`)
    await using connector = await scene.start()
    await connector.whenPatient('john', ({ plan }) => plan === 'basic')
    await connector.whenPatient('jim', ({ unsubscribed_at }) => unsubscribed_at !== null)
    await connector.whenSettled()
    expect(await scene.database.query('select code, attributes::text from mediquo_cdc.dead_letter')).toMatchObject([
      { code: 'jane' },
    ])
    await expectBothEndsEqual(
      connector,
      asPatients(`case code when 'jane' then 'premium' when 'john' then 'basic' end`),
    )
    expect(await connector.whenLogged('patients without a plan, mediQuo unsubscribes them')).toMatchObject({
      rows: 3,
      withoutPlan: 1,
      rejected: 1,
    })
  })
})
