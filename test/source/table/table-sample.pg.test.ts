import { expect, test } from 'vitest'
import { TableReader } from '../../../src/source/table/table-reader.ts'
import { testDatabase } from '../../support/postgres.ts'
import { openTable } from './open-table.ts'

const wide = `id int, name text default repeat('x', 300)`
const fill = 'insert into patients (id) select generate_series(1, 20000);'
const partitioned = `create table patients (${wide}, primary key (id)) partition by hash (id);
  create table patients_0 partition of patients for values with (modulus 2, remainder 0);
  create table patients_1 partition of patients for values with (modulus 2, remainder 1);`

test.each([
  ['a table', `create table patients (${wide}, primary key (id));`],
  ['a partitioned table', partitioned],
])('samples rows of %s, each once, from all over it and from a small number of its blocks', async (_, schema) => {
  await using database = await testDatabase({ schema: schema + fill })
  await using table = await openTable(database)
  const drawn = await table.reader.sampleKeys(50)
  expect(new Set(drawn).size).toBe(50)
  const ids = drawn.map((key) => Number(JSON.parse(key)[0]))
  expect(Math.min(...ids)).toBeLessThan(7_000)
  expect(Math.max(...ids)).toBeGreaterThan(13_000)
  expect((await table.reader.byKey(drawn)).rows.size).toBe(50)
  expect(await table.reader.sampleKeys(50)).not.toEqual(drawn)
})

test('samples all rows if there are no more, and none of an empty table', async () => {
  await using database = await testDatabase({ schema: `create table patients (${wide}, primary key (id));` })
  await using table = await openTable(database)
  expect(await table.reader.sampleKeys(5)).toEqual([])
  await database.query('insert into patients (id) values (1), (2)')
  expect((await table.reader.sampleKeys(5)).toSorted()).toEqual(['["1"]', '["2"]'])
})

test('samples enough rows if the row filter leaves out most', async () => {
  await using database = await testDatabase({
    schema: `create table patients (${wide}, primary key (id)); ${fill}`,
  })
  await using table = await openTable(database)
  const reader = new TableReader(table.pool, { ...table.readable, filter: 'id % 500 = 0' })
  const ids = (await reader.sampleKeys(30)).map((key) => Number(JSON.parse(key)[0]))
  expect(ids).toHaveLength(30)
  expect(ids.every((id) => id % 500 === 0)).toBe(true)
})
