import { expect, test } from 'vitest'
import { startConnector } from '../support/connector.ts'
import { postgresMajor, testDatabase } from '../support/postgres.ts'
import { whenBackfilled } from './asking.ts'

const attributes = `first_name text not null default 'Jane', gender text not null default 'female',
  birth_date date not null default '1980-01-01', plan text`
const initial = { backfill: 'initial', onDelete: 'unsubscribe' }

test.for([
  {
    name: 'a composite key with text and numbers',
    table: `create table patients (site text, number int, code text not null, ${attributes}, primary key (site, number));`,
    fill: `insert into patients (site, number, code) select chr(65 + n % 7), n, 'p' || n from generate_series(1, 1200) n`,
  },
  {
    name: 'a key of uuid',
    table: `create table patients (id uuid primary key default gen_random_uuid(), code text not null, ${attributes});`,
    fill: `insert into patients (code) select 'p' || n from generate_series(1, 1200) n`,
  },
  {
    name: 'partitions',
    table: `create table patients (id bigint, code text not null, ${attributes}, primary key (id)) partition by hash (id);
      create table patients_0 partition of patients for values with (modulus 2, remainder 0);
      create table patients_1 partition of patients for values with (modulus 2, remainder 1);`,
    fill: `insert into patients (id, code) select n, 'p' || n from generate_series(1, 1200) n`,
  },
])('reads a table with $name whole, and streams it', async ({ table, fill }) => {
  await using database = await testDatabase({ schema: table })
  await database.query(fill)
  await using connector = await startConnector({ database, config: { source: initial } })
  const backfill = await whenBackfilled(connector)
  expect([backfill.rowsRead, connector.sandbox.patients().size]).toEqual([1_200, 1_200])
  await database.query(`update patients set first_name = 'New' where code = 'p600'`)
  await connector.whenPatient('p600', ({ first_name }) => first_name === 'New')
})

test.skipIf(postgresMajor < 15)('does not send rows that the row filter leaves out', async () => {
  await using database = await testDatabase({
    schema: `create table patients (id int primary key, code text not null, active bool, ${attributes});
      alter table patients replica identity full;`,
  })
  await database.query(
    `insert into patients (id, code, active, plan) select n, 'p' || n, n % 100 = 0, 'basic' from generate_series(1, 2000) n`,
  )
  const source = { ...initial, where: 'active' }
  await using connector = await startConnector({ database, config: { source } })
  await whenBackfilled(connector)
  const codes = Array.from({ length: 20 }, (_, n) => `p${100 * (n + 1)}`)
  expect([...connector.sandbox.patients().keys()].toSorted()).toEqual(codes.toSorted())
})
