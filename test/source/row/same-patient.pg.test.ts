import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileMapping } from '../../../src/mapping/compile.ts'
import { fromColumn } from '../../../src/model/patient/mapping.ts'
import { lsn } from '../../../src/model/source/lsn.ts'
import { type RowKey, rowKey } from '../../../src/model/source/row.ts'
import { createChangeMapper, mapRead } from '../../../src/pipeline/row-mapping.ts'
import { expectedTable } from '../../../src/startup/schema/streamed-relation.ts'
import { publish } from '../../support/postgres/library-stream.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { openStream } from '../stream/open-stream.ts'
import { makeContrary, openTable } from '../table/open-table.ts'
import { columnTypes, typesSchema } from './column-types.ts'

const bom = '\ufeff'
const names = Object.keys(columnTypes)
const schema = `${typesSchema} create table patients (id int primary key, ${names
  .map((name) => `"${name}" ${columnTypes[name]?.type}`)
  .join(', ')}, plain text);`

const whole = (name: string) =>
  ({ kind: 'columns', columns: [name], separator: ' ', values: null, format: null, fallback: null, at: null }) as const

/** Mappings of every column to every attribute, each in the forms that read text in different ways. */
const mappings = names.map((name) =>
  compileMapping(
    {
      code: fromColumn(name),
      first_name: fromColumn(name),
      gender: { ...whole(name), values: { t: 'male', f: 'female', '': null } },
      birth_date: fromColumn(name),
      plan: { ...whole(name), columns: ['id', name], separator: '/' },
      locale: fromColumn('plain'),
      meta: fromColumn(name),
    },
    { columns: ['id', ...names, 'plain'], requiredAttributes: [] },
  ),
)

const anyRow = fc.record(
  Object.fromEntries(names.map((name) => [name, fc.option(columnTypes[name]?.value ?? fc.constant(''), { freq: 8 })])),
)

test.each([
  { settings: 'the usual settings', prepare: async (_: TestDatabase) => {}, environmentOptions: '' },
  {
    settings: 'contrary settings',
    prepare: makeContrary,
    environmentOptions: '-c datestyle=SQL,MDY -c intervalstyle=iso_8601 -c extra_float_digits=0',
  },
])(
  'a row is the same from the stream, from a page and from a read by key, under $settings',
  async ({ prepare, environmentOptions }) => {
    await using database = await testDatabase({ schema })
    await publish(database)
    await prepare(database)
    await using stream = await openStream(database, { environmentOptions })
    await using table = await openTable(database, { environmentOptions })
    const mapChange = mappings.map((mapping) =>
      createChangeMapper({
        table: expectedTable(table.readable, table.facts.table, mapping.columns),
        mapping,
        tolerated: null,
      }),
    )
    let last: RowKey | null = null
    let inserted = 0

    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 30 }), async (rows) => {
        await insert(database, inserted, rows)
        inserted += rows.length
        await until(() => stream.of('change').length === inserted)
        const changes = stream
          .of('change')
          .slice(-rows.length)
          .map(({ change }) => change)
        const page = await table.reader.page({ after: last, limit: 1000 })
        last = page.last
        const { rows: byKey } = await table.reader.byKey([...page.rows.keys()])

        expect([...page.rows.values()].map((row) => [...row])).toEqual(
          changes.map((change) => 'row' in change && [...change.row]),
        )
        expect([...byKey]).toEqual([...page.rows])
        for (const [at, mapping] of mappings.entries()) {
          const streamed = changes.flatMap((change) => mapChange[at]?.(change, lsn(1n), 0) ?? [])
          expect(streamed.map(({ key, content }) => [key, content])).toEqual(
            [...mapRead(page, mapping, { readAtMs: 0, tookMs: 0 }).rows].map(([key, { content }]) => [key, content]),
          )
        }
      }),
      { seed: 20_240_331, numRuns: 12 },
    )
  },
)

test('a key or a name that begins with U+FEFF is the same from the stream and from the table', async () => {
  const rows = [`${bom}1`, '1', bom, `${bom}${bom}1`]
  await using database = await testDatabase({
    schema: `create table patients ("${bom}id" text primary key, name text)`,
  })
  await publish(database)
  await using stream = await openStream(database)
  await using table = await openTable(database)
  await database.query(`insert into patients select v, v from unnest($1::text[]) v`, [rows])
  await database.query(`delete from patients where "${bom}id" = $1`, [bom])
  await stream.whenChange(({ operation }) => operation === 'delete')

  const keys = stream.of('change').map(({ change }) => rowKey('row' in change ? change.row : change.old, [`${bom}id`]))
  const [first, second, gone, last] = keys
  expect(new Set(keys).size).toBe(rows.length)
  expect(keys.at(-1)).toBe(gone)
  const found = [first, second, last].sort()
  expect([...(await table.reader.byKey(keys)).rows.keys()].sort()).toEqual(found)
  expect((await table.walk(1)).flatMap((page) => [...page.rows.keys()]).sort()).toEqual(found)
})

/** Inserts rows in one statement, each value from its text. */
async function insert(database: TestDatabase, from: number, rows: readonly Readonly<Record<string, string | null>>[]) {
  const parameters = names.map((_, at) => `$${at + 1}::text[]`).join(', ')
  const values = names.map((name, at) => `c${at}::${columnTypes[name]?.type}`).join(', ')
  await database.query(
    `insert into public.patients select ${from} + place, ${values}, 'es'
      from unnest(${parameters}) with ordinality v(${names.map((_, at) => `c${at}`).join(', ')}, place)`,
    names.map((name) => rows.map((row) => row[name] ?? null)),
  )
}
