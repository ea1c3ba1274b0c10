import { afterAll, beforeAll, expect, test } from 'vitest'
import { findAlteration } from '../../../src/source/table/table-alteration.ts'
import { readTableSchema } from '../../../src/source/table/table-schema.ts'
import { textOf } from '../../repository/files.ts'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { startConnector } from '../../support/connector.ts'
import { newPool } from '../../support/postgres/connections.ts'
import { postgresMajor, type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { caseSchema, type DdlCase, ddlCases, readColumns } from './ddl-cases.ts'

let database: TestDatabase
let pool: ReturnType<typeof newPool>
beforeAll(async () => {
  database = await testDatabase()
  pool = newPool({ connectionString: database.url, max: 1 })
})
afterAll(async () => {
  await pool?.end()
  await database?.dispose()
})

const isUnlisted = ({ ddl }: DdlCase) => /does not list|IN SCHEMA/.test(ddl)

test.for(ddlCases.map((one, at) => ({ ...one, name: `case_${at}` })))('$on: $ddl: $outcome', async (one, { skip }) => {
  const { name, on, outcome, statements, since = 0 } = one
  skip(postgresMajor < since)
  const run = async (sql: string) => {
    await pool.query(sql.replaceAll('PUBLICATION', `pub_${name}`).replaceAll('SCHEMA', name))
  }
  await run(`create schema ${name}; set search_path = ${name}`)
  for (const sql of caseSchema) await run(sql)
  const members = !isUnlisted(one)
    ? `table patients, parted with (publish_via_partition_root = true)`
    : since > 0
      ? `tables in schema ${name}`
      : 'all tables'
  await run(`create publication PUBLICATION for ${members}`)
  const of = { schema: name, table: on === 'table' ? 'patients' : 'parted' }
  const look = async () => await readTableSchema(pool, { ...of, publication: `pub_${name}`, columns: readColumns[on] })
  const filled = BigInt((await pool.query<{ id: string }>('select pg_current_xact_id()::text as id')).rows[0]?.id ?? 0)
  // Transactions of other tests on the server may be older than the rows.
  const before = await until(async () => {
    const schema = await look()
    return schema !== null && BigInt(schema.xmin) > filled && schema
  })
  for (const sql of statements) await run(sql)
  const after = await look()
  if (!after) throw new Error(`there is no table ${of.table}`)
  const alteration = await findAlteration(pool, of, { before, after })
  const later = await look()
  await run('drop publication PUBLICATION')
  expect(alteration?.what ?? 'nothing').toEqual(outcome === 'nothing' ? 'nothing' : expect.stringMatching(/./))
  expect(alteration === null).toBe(outcome === 'nothing')
  // What changed nothing is noted, and not asked about again.
  if (later && alteration === null) expect(await findAlteration(pool, of, { before: after, after: later })).toBeNull()
})

test('the documents have a line for each case, in this order', () => {
  const lines = textOf('docs/altered-tables.md')
    .split('\n')
    .filter((line) => /^\| .* \| (read again|nothing) \|$/.test(line))
  expect(lines).toEqual(ddlCases.map(({ ddl, on, outcome }) => `| ${ddl} | ${on} | ${outcome} |`))
})

test('a partition that is detached, corrected and attached again in one transaction is read again', async () => {
  await using connector = await startConnector({
    schema: `create table patients (code text not null, region int not null, first_name text not null default 'Jane', last_name text,
        gender text not null default 'female', birth_date date not null default '1980-01-01', email text, plan text default 'premium',
        primary key (code, region)) partition by list (region);
      create table patients_1 partition of patients for values in (1);
      create table patients_2 partition of patients for values in (2);
      insert into patients (code, region) values ('a', 1), ('b', 2);`,
    config: { source: { backfill: 'initial', onDelete: 'unsubscribe' } },
  })
  await expectBothEndsEqual(connector)
  await connector.database.query(`begin; alter table patients detach partition patients_1;
    update patients_1 set first_name = 'Corrected'; insert into patients_1 (code, region) values ('c', 1);
    alter table patients attach partition patients_1 for values in (1); commit`)
  await expectBothEndsEqual(connector)
  expect(connector.sandbox.patients().get('a')?.first_name).toBe('Corrected')
})
