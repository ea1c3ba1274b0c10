import { describe, expect, test, vi } from 'vitest'
import { parseLsn } from '../../../src/model/source/lsn.ts'
import { storedRowKey } from '../../../src/model/source/row.ts'
import { parseSnapshot, sees, xid } from '../../../src/model/source/visibility.ts'
import { pageSql } from '../../../src/source/table/table-read-sql.ts'
import type { TablePage } from '../../../src/source/table/table-reader.ts'
import { publish } from '../../support/postgres/library-stream.ts'
import { postgresMajor, testDatabase } from '../../support/postgres.ts'
import { openStream } from '../stream/open-stream.ts'
import { type OpenTable, openTable } from './open-table.ts'

const key = (...values: string[]) => storedRowKey(JSON.stringify(values))
const keysOf = (page: TablePage) => [...page.rows.keys()]
const numbered = (count: number) =>
  `create table patients (id int primary key, name text, sex text);
   insert into patients select g, 'n' || g, 'f' from generate_series(10, ${count * 10}, 10) g;`

describe('a read', () => {
  test('returns what its own snapshot sees, whatever is committed between its statements, and a position after it', async () => {
    await using database = await testDatabase({ schema: numbered(2) })
    await using table = await openTable(database)
    const commits: { readonly id: string; readonly xid: string; readonly lsn: string }[] = []
    const commit = async () => {
      const id = String(100 + commits.length)
      const [made] = await database.query(`insert into patients values (${id}) returning pg_current_xact_id() as xid`)
      const [at] = await database.query('select pg_current_wal_insert_lsn() as lsn')
      commits.push({ id, xid: made?.xid ?? '', lsn: at?.lsn ?? '' })
    }
    beforeEachStatement(table, commit)
    const page = await table.reader.page({ after: null, limit: 99 })
    const byKey = await table.reader.byKey([...keysOf(page), ...[0, 1, 2, 3, 4, 5].map((id) => key(`10${id}`))])

    expect(commits.length).toBeGreaterThan(2)
    for (const { rows, snapshot, snapshotText } of [page, byKey]) {
      for (const { id, xid: of } of commits) expect(rows.has(key(id))).toBe(sees(snapshot, xid(BigInt(of))))
      expect(snapshot).toEqual(parseSnapshot(snapshotText))
    }
    expect(byKey.endLsn).toBeGreaterThanOrEqual(parseLsn(commits.at(-1)?.lsn ?? ''))
  })

  test('does not return rows of an open transaction', async () => {
    await using database = await testDatabase({ schema: numbered(2) })
    await using table = await openTable(database)
    const other = await table.pool.connect()
    await other.query('begin; delete from public.patients where id = 10')
    const open = await other.query('select pg_current_xact_id()::text as id')
    const { rows, snapshot } = await table.reader.byKey([key('10')])
    other.release(true)

    expect(rows.has(key('10'))).toBe(true)
    expect(sees(snapshot, xid(BigInt(open.rows[0].id)))).toBe(false)
  })

  test('returns the key and the requested columns', async () => {
    await using database = await testDatabase({ schema: numbered(1) })
    await using table = await openTable(database, { columns: ['sex'] })
    const rows = new Map([
      [
        key('10'),
        new Map([
          ['id', '10'],
          ['sex', 'f'],
        ]),
      ],
    ])
    expect((await table.reader.page({ after: null, limit: 9 })).rows).toEqual(rows)
    expect((await table.reader.byKey([key('10')])).rows).toEqual(rows)
  })

  test('by key leaves out missing rows, and has a snapshot nevertheless', async () => {
    await using database = await testDatabase({ schema: numbered(3) })
    await using table = await openTable(database)
    expect([...(await table.reader.byKey([key('20'), key('25')])).rows.keys()]).toEqual([key('20')])
    const { rows, snapshotText } = await table.reader.byKey([key('25')])
    expect(rows.size).toBe(0)
    expect(snapshotText).toMatch(/^\d+:\d+:/)
  })

  test('is refused if row-level security would hide rows, instead of returning fewer', async () => {
    await using database = await testDatabase({ schema: numbered(2) })
    const role = `reader_of_${database.name}`
    await database.query(`create role ${role}; grant select on patients to ${role}; alter table patients enable row level security;
      create policy own on patients using (id = 10)`)
    try {
      await using table = await openTable(database, { environmentOptions: `-c role=${role}` })
      expect(table.facts.user).toBe(role)
      await expect(table.reader.page({ after: null, limit: 9 })).rejects.toMatchObject({ code: '42501' })
      await expect(table.reader.byKey([key('20')])).rejects.toMatchObject({ code: '42501' })
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`)
    }
  })
})

describe('a page', () => {
  test('of an empty table is empty and the last', async () => {
    await using database = await testDatabase({ schema: numbered(0) })
    await using table = await openTable(database)
    for (const after of [null, key('5')]) {
      const page = await table.reader.page({ after, limit: 10 })
      expect(page).toMatchObject({ leftOut: [], last: null, isLast: true })
      expect(page.rows.size).toBe(0)
      expect(page.snapshotText).toMatch(/^\d+:\d+:/)
    }
  })

  test('as large as the table is not known to be the last', async () => {
    await using database = await testDatabase({ schema: numbered(3) })
    await using table = await openTable(database)
    const [full, empty, ...more] = await table.walk(3)
    expect(full).toMatchObject({ last: key('30'), isLast: false })
    expect(empty).toMatchObject({ last: null, isLast: true })
    expect(more).toEqual([])
  })

  test('continues after the given key, whatever happened before and behind it', async () => {
    await using database = await testDatabase({ schema: numbered(8) })
    await using table = await openTable(database)
    const first = await table.reader.page({ after: null, limit: 3 })
    expect(keysOf(first)).toEqual(['10', '20', '30'].map((id) => key(id)))
    await database.query(`insert into patients (id) values (5), (25), (35), (90)`)
    await database.query(`delete from patients where id in (10, 30, 50)`)

    const second = await table.reader.page({ after: first.last, limit: 3 })
    expect(keysOf(second)).toEqual(['35', '40', '60'].map((id) => key(id)))
    const third = await table.reader.page({ after: second.last, limit: 3 })
    expect(keysOf(third)).toEqual(['70', '80', '90'].map((id) => key(id)))
  })
})

describe.skipIf(postgresMajor < 15)('rows that the row filter leaves out', () => {
  const schema = `create table patients (id int primary key, k0 text, t int, s text);
    insert into patients select g, case when g % 3 > 0 then 'yes' end, g % 50, 'secret' from generate_series(1, 300) g;`
  const filter = `k0 = 'yes' and t = 1`

  test('are named and counted, so that a page ends however few are published; their values are not read', async () => {
    await using database = await testDatabase({ schema })
    await database.query(`create publication published for table patients where (${filter})`)
    await using table = await openTable(database, { columns: ['s', 'k0', 't', 'id'] })
    expect(table.facts.publication?.rowFilter).toContain('k0')
    const pages = await table.walk(40)

    expect(pages.map(({ rows, leftOut }) => rows.size + leftOut.length)).toEqual([40, 40, 40, 40, 40, 40, 40, 20])
    const all = (ids: readonly number[]) => ids.map((id) => key(String(id)))
    expect(pages.flatMap(keysOf)).toEqual(all([1, 101, 151, 251]))
    expect(pages.map(({ last }) => last)).toEqual(all([40, 80, 120, 160, 200, 240, 280, 300]))
    expect(pages.flatMap((page) => [...page.leftOut, ...keysOf(page)]).length).toBe(300)
    const text = pageSql(table.readable, { fromStart: true })
    const everything = await table.pool.query({ text, values: [300], rowMode: 'array' })
    expect(everything.rows.filter((found) => found.includes('secret'))).toHaveLength(4)
    expect((await table.reader.byKey(all([1, 2, 51, 101]))).rows).toEqual(
      new Map(['1', '101'].map((id) => [key(id), row({ id, k0: 'yes', t: '1', s: 'secret' })])),
    )
  })

  test('are those that the stream leaves out', async () => {
    await using database = await testDatabase({
      schema: 'create table patients (id int primary key, k0 text, t int, s text)',
    })
    await publish(database, `table patients where (${filter})`)
    await using stream = await openStream(database)
    await using table = await openTable(database)
    await database.query(
      `insert into patients values (1, 'yes', 1), (2, 'yes', null), (3, null, 1), (4, 'no', 1), (5, 'yes', 1)`,
    )
    await stream.whenChange((change) => 'row' in change && change.row.get('id') === '5')

    const streamed = stream.of('change').map(({ change }) => 'row' in change && [...change.row])
    const page = await table.reader.page({ after: null, limit: 9 })
    expect([...page.rows.values()].map((row) => [...row])).toEqual(streamed)
    expect(page.leftOut).toEqual([key('2'), key('3'), key('4')])
  })
})

/** Executes a function before each statement of a read. */
function beforeEachStatement({ pool }: OpenTable, happens: () => Promise<void>) {
  pool.once('acquire', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown
    const interrupted = async (...args: unknown[]) => {
      await happens()
      return await query(...args)
    }
    vi.spyOn(client, 'query').mockImplementation(interrupted as never)
  })
}

const row = (values: Readonly<Record<string, string>>) => new Map(Object.entries(values))
