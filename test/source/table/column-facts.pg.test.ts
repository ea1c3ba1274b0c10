import { expect, test } from 'vitest'
import { testDatabase } from '../../support/postgres.ts'
import { openTable } from './open-table.ts'

test('a column has the type in which its values are written, a domain that of its base', async () => {
  await using database = await testDatabase({
    schema: `create schema own;
      create type own.sex as enum ('M', 'F');
      create domain own.code as varchar(20);
      create domain own.patient_code as own.code check (value <> '');
      create table patients (id own.patient_code primary key, dropped int, born date, sex own.sex, tags text[],
        name char(10), stored text generated always as (upper(name)) stored);
      alter table patients drop column dropped`,
  })
  await using table = await openTable(database, {})
  const found = table.facts.table.columns.map(({ typeOid, declaredTypeOid, ...column }) => {
    return { ...column, named: typeOid > 0, ofDomain: declaredTypeOid !== typeOid }
  })
  const column = (name: string, attnum: number, type: string, category: string) => {
    return { name, attnum, type, category, generated: null, maySelect: true, named: true, ofDomain: name === 'id' }
  }
  expect(found).toEqual([
    column('id', 1, 'character varying', 'S'),
    column('born', 3, 'date', 'D'),
    column('sex', 4, 'own.sex', 'E'),
    column('tags', 5, 'text[]', 'A'),
    column('name', 6, 'bpchar', 'S'),
    { ...column('stored', 7, 'text', 'S'), generated: 'stored' },
  ])
})
