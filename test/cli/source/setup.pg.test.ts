import { expect, test } from 'vitest'
import { startConnector } from '../../support/connector.ts'
import { mappingWithoutPlan } from '../../support/patients-table.ts'
import { postgresMajor, testDatabase } from '../../support/postgres.ts'
import { runCommand } from '../run-command.ts'

const role = 'least_privileged'
const mapping = mappingWithoutPlan

test('--role prints and creates a role that can do what the connector does, and no more', async () => {
  await using database = await testDatabase({
    schema: `
      create table patients (
        id int primary key, code text unique not null, first_name text, gender text, birth_date date, diagnosis text);
      alter table patients enable row level security;
      insert into patients values (1, 'p1', 'Jane', 'female', '1980-01-01', 'none of our business');`,
  })
  await database.query(`drop role if exists ${role}`)
  const setup = ['setup', '--role', role]
  const printed = await runCommand(setup, { database, mapping })
  const sql = printed.text.replaceAll(/\s+/g, ' ')
  const columns = '("id", "code", "first_name", "gender", "birth_date")'
  expect(sql).toContain(`GRANT SELECT ${columns} ON "public"."patients" TO "${role}";`)
  expect(sql).toContain(`ALTER ROLE "${role}" BYPASSRLS;`)
  const published = postgresMajor < 15 ? '' : ` ${columns}`
  expect(sql).toContain(`FOR TABLE ONLY "public"."patients"${published} WITH`)
  expect(await database.query(`select from pg_roles where rolname = '${role}'`)).toEqual([])
  try {
    expect(await runCommand([...setup, '--apply'], { database, mapping })).toMatchObject({ status: 0 })
    await database.query(`alter role ${role} password 'secret'`)
    const url = new URL(database.url)
    url.username = role
    url.password = 'secret'
    await using connector = await startConnector({
      database,
      environment: { DATABASE_URL: url.href },
      config: { source: { backfill: 'initial' }, mapping },
    })
    await connector.whenPatient('p1')
    await database.query(`update patients set first_name = 'Janet'`)
    await connector.whenPatient('p1', ({ first_name }) => first_name === 'Janet')
    await database.query(`insert into patients values (2, 'p2', 'John', 'male', '1980-01-01', 'none either')`)
    await connector.whenPatient('p2')
    const rights = `has_column_privilege('${role}', 'patients', 'diagnosis', 'select') as reads,
      has_table_privilege('${role}', 'patients', 'insert, update, delete') as writes`
    expect(await database.query(`select ${rights}`)).toEqual([{ reads: 'f', writes: 'f' }])
    // A second run has nothing left to create.
    const again = await runCommand(['setup', '--json'], { database, mapping })
    expect(JSON.parse(again.text)).toEqual([
      expect.objectContaining({ sql: expect.stringContaining('CREATE SCHEMA IF') }),
    ])
  } finally {
    await database.query(`drop owned by ${role}; drop role ${role}`)
  }
})

const columns = 'code text not null, first_name text, gender text, birth_date date'

test('does not publish a table without a key, so that its updates still work', async () => {
  await using database = await testDatabase({ schema: `create table patients (${columns})` })
  await database.query(`insert into patients values ('p1', 'Jane', 'female', '1980-01-01')`)
  const { status, text } = await runCommand(['setup', '--apply'], { database, mapping })
  expect(status).toBe(3)
  expect(text).toContain('-- by hand: rows need an identity')
  expect(text).toContain('nothing was run')
  expect(text).not.toContain('CREATE PUBLICATION')
  expect(await database.query('select from pg_publication')).toEqual([])
  await database.query(`update patients set first_name = 'Janet'`)
})

test.skipIf(postgresMajor < 15)('neither prints nor publishes a row filter that would break updates', async () => {
  await using database = await testDatabase({ schema: `create table patients (${columns}, primary key (code))` })
  await database.query(`insert into patients values ('p1', 'Jane', 'female', '1980-01-01')`)
  const source = { where: `first_name <> ''` }
  for (const options of [[], ['--apply']])
    await expect(runCommand(['setup', ...options], { database, mapping, source })).rejects.toMatchObject({
      kind: 'check failed',
      message: expect.stringContaining('REPLICA IDENTITY FULL'),
    })
  expect(await database.query('select from pg_publication')).toEqual([])
  await database.query(`update patients set first_name = 'Janet'`)
})

test('--apply reports that it has run, and the next step', async () => {
  await using database = await testDatabase({ schema: `create table patients (${columns}, primary key (code))` })
  const { status, text } = await runCommand(['setup', '--apply'], { database, mapping })
  expect(status).toBe(0)
  expect(text.split('\n').at(-1)).toBe('all of this was run; "mediquo-cdc check" says what is still in the way')
  expect(await database.query('select from pg_publication')).toHaveLength(1)
})
