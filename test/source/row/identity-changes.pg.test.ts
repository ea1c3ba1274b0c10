import { describe, expect, test } from 'vitest'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { type RunningConnector, startConnector } from '../../support/connector.ts'
import { postgresMajor } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

const table = `create table patients (
  id int primary key, code text not null constraint one_each unique deferrable initially deferred,
  first_name text not null default 'Jane', last_name text, gender text not null default 'female',
  birth_date date not null default '1980-01-01', email text, plan text default 'premium');
  insert into patients (id, code, email) select i, 'p' || i, i || '@example.org' from generate_series(1, 6) i;`

const puts = ({ sandbox }: RunningConnector) => sandbox.requests.filter(({ method }) => method === 'PUT').length

/** Changes of an application in one transaction. */
const changes: readonly { readonly name: string; readonly sql: string }[] = [
  { name: 'a key that changes', sql: `update patients set id = 60 where id = 1` },
  {
    name: 'a key that changes with other values',
    sql: `update patients set id = 60, first_name = 'Joan' where id = 1`,
  },
  { name: 'a code that changes', sql: `update patients set code = 'new' where id = 1` },
  { name: 'a key and a code that change', sql: `update patients set id = 60, code = 'new' where id = 1` },
  {
    name: 'a row that is deleted and inserted again',
    sql: `delete from patients where id = 1; insert into patients (id, code) values (1, 'p1')`,
  },
  {
    name: 'a row that is deleted and inserted again with another code',
    sql: `delete from patients where id = 1; insert into patients (id, code) values (1, 'new')`,
  },
  {
    name: 'a row that is deleted and inserted again under another key',
    sql: `delete from patients where id = 1; insert into patients (id, code) values (60, 'p1')`,
  },
  {
    name: 'two rows that swap their codes',
    sql: `update patients set code = case id when 1 then 'p2' else 'p1' end where id in (1, 2)`,
  },
  { name: 'three rows that pass their codes on', sql: `update patients set code = 'p' || (id % 3 + 1) where id <= 3` },
  {
    name: 'two rows that swap their keys',
    sql: `update patients set id = 60 where id = 1; update patients set id = 1 where id = 2; update patients set id = 2 where id = 60`,
  },
  {
    name: 'a row that takes over the code of one that is deleted',
    sql: `delete from patients where id = 1; update patients set code = 'p1' where id = 2`,
  },
  {
    name: 'a code that changes and changes back',
    sql: `update patients set code = 'new' where id = 1; update patients set code = 'p1' where id = 1`,
  },
]

describe.concurrent.each(['default', 'full'])('with replica identity %s, both ends are equal after', (identity) => {
  test.each(changes)('$name', async ({ sql }) => {
    await using connector = await startConnector({
      schema: `${table} alter table patients replica identity ${identity};`,
      config: { source: { backfill: 'initial', onDelete: 'unsubscribe' } },
    })
    await expectBothEndsEqual(connector)
    await connector.database.query(`begin; ${sql}; commit`)
    await expectBothEndsEqual(connector)
    // Compares again after the next change of every row.
    await connector.database.query(`update patients set last_name = 'Doe' || id`)
    await expectBothEndsEqual(connector)
  })

  test.skipIf(postgresMajor < 15)('rows that leave and enter the row filter', async () => {
    await using connector = await startConnector({
      schema: `${table} alter table patients replica identity ${identity};`,
      config: { source: { backfill: 'initial', onDelete: 'unsubscribe', where: 'id < 50' } },
    })
    const published = `select code, first_name, last_name, gender, birth_date::text as birth_date, email, plan from patients where id < 50`
    await expectBothEndsEqual(connector, published)
    await connector.database.query(`update patients set id = id + 50 where id in (1, 2)`)
    await expectBothEndsEqual(connector, published)
    await connector.database.query(`update patients set id = 1, code = 'back' where id = 51`)
    await expectBothEndsEqual(connector, published)
  })
})

describe('two rows with one code', () => {
  test('are reported once, the last changed one is the patient, and nothing is sent repeatedly', async () => {
    await using connector = await startConnector({
      schema: table.replace(' constraint one_each unique deferrable initially deferred', ''),
      config: { source: { backfill: 'initial', onDelete: 'unsubscribe' } },
    })
    const { database, sandbox, log } = connector
    await expectBothEndsEqual(connector)
    await database.query(`insert into patients (id, code, first_name) values (7, 'p1', 'Second')`)
    await connector.whenPatient('p1', ({ first_name }) => first_name === 'Second')
    const said = await connector.whenLogged('several rows have this code: mediQuo has the one that changed last')
    expect(said.code).toBe('p1')
    await database.query(`update patients set first_name = 'First' where id = 1`)
    await connector.whenPatient('p1', ({ first_name }) => first_name === 'First')
    await database.query(`update patients set first_name = 'Second again' where id = 7`)
    await connector.whenPatient('p1', ({ first_name }) => first_name === 'Second again')
    await connector.whenSettled()

    // Neither row is sent again without a change of it, whatever else happens.
    const before = puts(connector)
    await database.query(`update patients set first_name = 'Other' where id = 2`)
    await connector.whenPatient('p2', ({ first_name }) => first_name === 'Other')
    await connector.whenSettled()
    expect(puts(connector)).toBe(before + 1)
    expect((await connector.status()).problems.map(({ code }) => code)).toEqual(['MQ4002'])
    expect(log.filter(({ msg }) => msg.startsWith('several rows have this code'))).toHaveLength(1)

    // After one of them is deleted, the other one is the patient.
    await database.query('delete from patients where id = 7')
    await database.query(`update patients set last_name = 'Doe'`)
    await expectBothEndsEqual(connector)
    await until(async () => (await connector.status()).problems.length === 0)
    expect(sandbox.patients().get('p1')?.first_name).toBe('First')
  })
})
