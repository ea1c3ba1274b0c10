import { expect, test } from 'vitest'
import { startConnector } from '../support/connector.ts'
import { postgresMajor, testDatabase } from '../support/postgres.ts'
import { runCommand } from './run-command.ts'

const role = 'least_privileged'
const mapping = { code: 'code', first_name: 'first_name', gender: 'gender', birth_date: 'birth_date' }

test('--role prints and makes a role that can do what the connector does, and no more', async () => {
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
  expect(sql).toContain(`FOR TABLE "public"."patients"${published} WITH`)
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
    // Run again, there is nothing left to make.
    const again = await runCommand(['setup', '--json'], { database, mapping })
    expect(JSON.parse(again.text)).toEqual([
      expect.objectContaining({ sql: expect.stringContaining('CREATE SCHEMA IF') }),
    ])
  } finally {
    await database.query(`drop owned by ${role}; drop role ${role}`)
  }
})
