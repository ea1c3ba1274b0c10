import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { workspace } from '../../config/loading.ts'
import { startConnector } from '../../support/connector.ts'
import { mappingWithoutPlan } from '../../support/patients-table.ts'
import { postgresMajor, type TestDatabase, testDatabase } from '../../support/postgres.ts'

const mapping = mappingWithoutPlan
const table = `create table patients (
  id int primary key, code text unique not null, first_name text not null default 'Jane', gender text default 'female',
  birth_date date default '1980-01-01', plan text, diagnosis text)`

async function published(database: TestDatabase) {
  const [found] = await database.query(`select array_to_string(attnames, ',') as columns, rowfilter
    from pg_publication_tables where pubname = 'mediquo_cdc'`)
  return found
}

describe.skipIf(postgresMajor < 15)('the publication that the connector creates', () => {
  test('has the mapped columns and the key, and no other value leaves the server', async () => {
    await using connector = await startConnector({ schema: table, config: { mapping } })
    const { database } = connector
    expect(await published(database)).toEqual({ columns: 'id,code,first_name,gender,birth_date', rowfilter: null })
    await database.query(`insert into patients (id, code, diagnosis) values (1, 'p1', 'none of our business')`)
    await connector.whenPatient('p1')
    await database.query(`update patients set id = 7, first_name = 'Janet', diagnosis = 'other'`)
    await connector.whenPatient('p1', ({ first_name }) => first_name === 'Janet')
    // A column that is not published may be dropped and added.
    await database.query('alter table patients drop column diagnosis')
    await database.query(`update patients set first_name = 'Joan'`)
    await connector.whenPatient('p1', ({ first_name }) => first_name === 'Joan')
    expect(connector.log.filter(({ msg }) => msg === 'the table was altered, a backfill follows')).toEqual([])
  })

  test('has the rows that match the filter', async () => {
    const source = { where: `id > 10` }
    await using connector = await startConnector({ schema: table, config: { mapping, source } })
    const { database } = connector
    expect((await published(database))?.rowfilter).toBe('(id > 10)')
    await database.query(`insert into patients (id, code) values (1, 'p1'), (11, 'p11')`)
    await connector.whenPatient('p11')
    await connector.whenSettled()
    expect([...connector.sandbox.patients().keys()]).toEqual(['p11'])
  })

  test.each(['full', 'transform'])('has every column if %s needs them', async (why) => {
    await using database = await testDatabase({
      schema: `${table}; alter table patients replica identity ${why === 'full' ? 'full' : 'default'}`,
    })
    using folder = workspace({ 'as-it-is.mjs': 'export default (row, patient) => patient' })
    const transform = join(folder.cwd, 'as-it-is.mjs')
    const config = { mapping, ...(why === 'transform' && { transform }) }
    await using connector = await startConnector({ database, config })
    expect((await published(database))?.columns).toBe('id,code,first_name,gender,birth_date,plan,diagnosis')
    await database.query(`insert into patients (id, code) values (1, 'p1')`)
    await database.query(`update patients set diagnosis = 'other', first_name = 'Janet'`)
    await connector.whenPatient('p1', ({ first_name }) => first_name === 'Janet')
  })

  test('names the root of partitions, with the columns of the mapping', async () => {
    await using connector = await startConnector({
      schema: `create table patients (id int primary key, code text not null, first_name text default 'Jane', gender text default 'male',
          birth_date date default '1980-01-01', diagnosis text) partition by range (id);
        create table low partition of patients for values from (0) to (100);
        create table high partition of patients for values from (100) to (200);`,
      config: { mapping },
    })
    const { database } = connector
    await database.query(`insert into patients (id, code) values (1, 'p1'), (101, 'p101')`)
    await connector.whenPatient('p101')
    await database.query(`update patients set id = 150, first_name = 'Janet' where id = 1`)
    await connector.whenPatient('p1', ({ first_name }) => first_name === 'Janet')
    expect((await published(database))?.columns).toBe('id,code,first_name,gender,birth_date')
  })
})

describe.skipIf(postgresMajor < 18)('a stored generated column', () => {
  test('is streamed, because the publication includes it', async () => {
    await using connector = await startConnector({
      schema: `create table patients (code text primary key, given text default 'jane', gender text default 'female',
        birth_date date default '1980-01-01', full_name text generated always as (upper(given)) stored)`,
      config: { mapping: { ...mapping, first_name: 'full_name' } },
    })
    await connector.database.query(`insert into patients (code) values ('p1')`)
    await connector.whenPatient('p1', ({ first_name }) => first_name === 'JANE')
  })
})
