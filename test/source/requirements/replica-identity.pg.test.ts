import { expect, test } from 'vitest'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { testDatabase } from '../../support/postgres.ts'

const keyless = `create table patients (code text, first_name text, gender text, birth_date date, plan text);
  insert into patients values ('jane', 'Jane', 'female', '1980-01-01');`

test.each([
  { lacks: 'primary key', schema: keyless, fix: 'ADD PRIMARY KEY' },
  {
    lacks: 'replica identity',
    schema: `${patientsTable} insert into patients (code) values ('jane'); alter table patients replica identity nothing;`,
    fix: 'ALTER TABLE "public"."patients" REPLICA IDENTITY DEFAULT',
  },
])(
  'a table without $lacks is refused with the statement that fixes it, and nothing is published',
  async ({ schema, fix }) => {
    await using database = await testDatabase({ schema })

    await expect(startConnector({ database })).rejects.toMatchObject({
      kind: 'check failed',
      message: expect.stringContaining(fix),
    })

    expect(await database.query('select pubname from pg_publication')).toEqual([])
    expect(
      await database.query('select slot_name from pg_replication_slots where database = current_database()'),
    ).toEqual([])
    // An update that a publication would have broken.
    await database.query(`update patients set first_name = 'Janet'`)
  },
)

test('a table whose replica identity is a unique index is followed by that index', async () => {
  await using connector = await startConnector({
    schema: `create table patients (code text not null, first_name text, gender text, birth_date date, plan text);
      create unique index by_code on patients (code);
      alter table patients replica identity using index by_code;`,
  })
  await connector.database.query(`insert into patients values ('jane', 'Jane', 'female', '1980-01-01')`)
  await connector.database.query(`update patients set first_name = 'Janet'`)
  await connector.whenPatient('jane', (patient) => patient.first_name === 'Janet')
})
