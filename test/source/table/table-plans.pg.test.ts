import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { keyValues } from '../../../src/model/source/row.ts'
import { byKeySql, pageSql } from '../../../src/source/table/table-read-sql.ts'
import { postgresMajor, testDatabase } from '../../support/postgres.ts'
import { type OpenTable, openTable } from './open-table.ts'

const total = 50_000
const numbers = `from generate_series(1, ${total}) g`
const citext = `do $$ begin create extension citext; exception when others then create domain citext as text; end $$;`

/** Prevents statistics from changing during the test. */
const still = 'with (autovacuum_enabled = off)'
/** Tables, each with a key near its end, and one near its start. */
const tables = {
  int: {
    schema: `create table patients (id int primary key, name text) ${still}; insert into patients select g, 'x' ${numbers};`,
    keys: [['40000'], ['3']],
  },
  'text and int': {
    schema: `create table patients (clinic text, n int, name text, primary key (clinic, n)) ${still};
      insert into patients select 'c' || g % 3, g, 'x' ${numbers};`,
    keys: [
      ['c1', '40000'],
      ['c0', '3'],
    ],
  },
  citext: {
    schema: `${citext} create table patients (id citext primary key, name text) ${still}; insert into patients select 'P' || g, 'x' ${numbers};`,
    keys: [['p40000'], ['P3']],
  },
  'char(9)': {
    schema: `create table patients (id char(9) primary key, name text) ${still}; insert into patients select g::text, 'x' ${numbers};`,
    keys: [['40000    '], ['3        ']],
  },
  'an index of text_pattern_ops, descending': {
    schema: `create table patients (id text not null, name text) ${still}; create unique index by_id on patients (id text_pattern_ops desc);
      alter table patients replica identity using index by_id; insert into patients select g::text, 'x' ${numbers};`,
    keys: [['40000'], ['3']],
  },
  'partitions by hash': {
    schema: `create table patients (id int primary key, name text) partition by hash (id);
      create table even partition of patients for values with (modulus 2, remainder 0) ${still};
      create table odd partition of patients for values with (modulus 2, remainder 1) ${still};
      insert into patients select g, 'x' ${numbers};`,
    keys: [['40000'], ['3']],
  },
} as const

/** Two columns whose operators are of different schemas have no row comparison. */
const mixed = {
  schema: `${citext} create table patients (clinic citext, n int, name text, primary key (clinic, n)) ${still};
    insert into patients select 'c' || g % 3, g, 'x' ${numbers};`,
  keys: [
    ['C1', '40000'],
    ['c0', '3'],
  ],
} as const

const node = z.object({
  'Node Type': z.string(),
  'Actual Rows': z.number(),
  'Actual Loops': z.number(),
  'Rows Removed by Filter': z.number().default(0),
  get Plans() {
    return z.array(node).default([])
  },
})
type Node = z.infer<typeof node>
const explained = z.tuple([z.object({ Plan: node })])

/** Returns every node of the plan that ran. */
async function planOf({ pool }: OpenTable, sql: string, values: unknown[]): Promise<Node[]> {
  const { rows } = await pool.query({
    text: `explain (analyze, format json) ${sql}`,
    values,
    rowMode: 'array',
  })
  const flat = (plan: Node): Node[] => [plan, ...plan.Plans.flatMap(flat)]
  return flat(explained.parse(JSON.parse(rows[0]?.[0]))[0].Plan)
}

const touched = (nodes: readonly Node[]) =>
  nodes
    .filter((node) => /Scan/.test(node['Node Type']) && node['Node Type'] !== 'Function Scan')
    .reduce((sum, node) => sum + (node['Actual Rows'] + node['Rows Removed by Filter']) * node['Actual Loops'], 0)
const typesOf = (nodes: readonly Node[]) => new Set(nodes.map((node) => node['Node Type']))
const reading = /^(Nested Loop|Result|Limit|Merge Append|Append|Function Scan|Index Scan|Index Only Scan)$/

const statistics = ['none', 'fresh'] as const

describe('a table of 50,000 rows, without statistics and with them', () => {
  test.each(Object.entries(tables))('is read by its index, with a key of %s', async (_, { schema, keys }) => {
    await using database = await testDatabase({ schema })
    await using table = await openTable(database)
    for (const state of statistics) {
      if (state === 'fresh') await database.query('analyze patients')
      const pages = [await planOf(table, pageSql(table.readable, { fromStart: true }), [500])]
      for (const key of keys)
        pages.push(await planOf(table, pageSql(table.readable, { fromStart: false }), [...key, 500]))
      for (const plan of pages) {
        for (const type of typesOf(plan)) expect(type).toMatch(reading)
        // One more row for each partition.
        expect(touched(plan)).toBeLessThanOrEqual(502)
        expect(touched(plan)).toBeGreaterThan(0)
      }
      // So many that a scan of the whole table would be cheaper.
      const { rows } = await table.reader.page({ after: null, limit: 1000 })
      const texts = [...rows.keys()].map(keyValues)
      const columns = table.readable.key.map((_, at) => texts.map((key) => key[at]))
      const byKey = await planOf(table, byKeySql(table.readable), columns)
      for (const type of typesOf(byKey)) expect(type).toMatch(reading)
      expect(touched(byKey)).toBe(1000)
    }
  })

  test('is read by its index with a key of citext and int; at most a page is sorted', async () => {
    await using database = await testDatabase({ schema: mixed.schema })
    await using table = await openTable(database)
    for (const state of statistics) {
      if (state === 'fresh') await database.query('analyze patients')
      for (const key of mixed.keys) {
        const plan = await planOf(table, pageSql(table.readable, { fromStart: false }), [...key, 500])
        expect([...typesOf(plan)].filter((type) => !reading.test(type) && type !== 'Sort')).toEqual([])
        expect(touched(plan)).toBeLessThanOrEqual(2 * 500)
      }
    }
  })

  test.skipIf(postgresMajor < 15)('costs no more than a page if the row filter leaves every row out', async () => {
    await using database = await testDatabase({ schema: tables.int.schema })
    await database.query(`create publication published for table patients where (name = 'y' and id > 0)`)
    await using table = await openTable(database)
    expect(table.readable.filter).not.toBeNull()
    for (const state of statistics) {
      if (state === 'fresh') await database.query('analyze patients')
      expect(touched(await planOf(table, pageSql(table.readable, { fromStart: false }), ['40000', 500]))).toBe(500)
    }
  })

  test.each(['int', 'partitions by hash'] as const)(
    'is counted, or estimated at about its size if counting takes too long, with a key of %s',
    async (name) => {
      await using database = await testDatabase({ schema: tables[name].schema })
      await database.query(
        `create publication published for table patients ${postgresMajor < 15 ? '' : `where (name = 'y')`} with (publish_via_partition_root)`,
      )
      await using table = await openTable(database)
      for (const state of statistics) {
        if (state === 'fresh') await database.query('analyze patients')
        expect(await table.reader.estimateRows()).toBe(total)
        const rows = await table.reader.estimateRows(1)
        expect(rows).toBeGreaterThan(total / 2)
        expect(rows).toBeLessThan(total * 2)
      }
    },
  )
})
