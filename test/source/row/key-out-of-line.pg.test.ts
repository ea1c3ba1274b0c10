import { describe, expect, test } from 'vitest'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { type RunningConnector, startConnector } from '../../support/connector.ts'
import { postgresMajor } from '../../support/postgres.ts'

const patient = `first_name text not null default 'Jane', last_name text, gender text not null default 'female',
  birth_date date not null default '1980-01-01', email text, plan text default 'premium'`

/** Columns of a wide legacy table, none of which is longer than the key: the server stores short values out of line. */
const numbers = Array.from({ length: 80 }, (_, n) => n)
const wide = numbers.map((n) => `c${n} text`).join(', ')
const columns = numbers.map((n) => `c${n}`).join(', ')
const values = numbers.map((n) => `md5(n::text || '${n}')`).join(', ')

/** A key that is stored out of line because it is long, and `note` beside it, which keeps the row from being compressed into the page. */
const external = (table: string) =>
  `alter table ${table} alter column id set storage external, alter column note set storage plain;`
const key = (n: number) => `rpad('k${n}', 60, 'k')`

interface Table {
  readonly name: string
  readonly schema: string
  /** Query that inserts rows p1, p2 and p3. */
  readonly rows: string
  readonly minVersion?: number
  readonly where?: string
}

const noted = `select ${key(1)}, 'p1', repeat('x', 5000) union all select ${key(2)}, 'p2', repeat('x', 5000) union all select ${key(3)}, 'p3', repeat('x', 5000)`
const shortTable = (constraints: string) =>
  `create table patients (id text not null, region int not null default 1, code text not null, note text, ${patient}, ${constraints})`

const tables: readonly Table[] = [
  {
    name: 'a short key of a wide row',
    schema: `create table patients (id text primary key, code text not null, ${patient}, ${wide});`,
    rows: `insert into patients (id, code, ${columns}) select gen_random_uuid()::text, 'p' || n, ${values} from generate_series(1, 3) n`,
  },
  {
    name: 'a short key of a wide row under the full identity',
    schema: `create table patients (id text primary key, code text not null, ${patient}, ${wide}); alter table patients replica identity full;`,
    rows: `insert into patients (id, code, ${columns}) select gen_random_uuid()::text, 'p' || n, ${values} from generate_series(1, 3) n`,
  },
  {
    name: 'a key of two columns, one out of line',
    schema: `${shortTable('primary key (region, id)')}; ${external('patients')}`,
    rows: `insert into patients (id, code, note) ${noted}`,
  },
  {
    name: 'the key of a unique index',
    schema: `${shortTable('primary key (region, code)')}; ${external('patients')}
      create unique index by_id on patients (id); alter table patients replica identity using index by_id;`,
    rows: `insert into patients (id, code, note) ${noted}`,
  },
  {
    name: 'the key of a partition',
    schema: `${shortTable('primary key (id, region)')} partition by list (region);
      create table one partition of patients for values in (1); create table two partition of patients for values in (2);
      ${external('one')} ${external('two')}`,
    rows: `insert into patients (id, code, note) ${noted}`,
  },
  {
    name: 'the key of a partition that has its columns in another order',
    schema: `${shortTable('primary key (id, region)')} partition by list (region);
      create table one (note text, region int not null default 1, ${patient}, dropped int, code text not null, id text not null);
      alter table one drop column dropped; alter table patients attach partition one for values in (1);
      create table two partition of patients for values in (2); ${external('one')} ${external('two')}`,
    rows: `insert into patients (id, code, note) ${noted}`,
  },
  {
    name: 'the key that the row filter reads',
    schema: `${shortTable('primary key (id)')}; ${external('patients')}`,
    rows: `insert into patients (id, code, note) ${noted}`,
    minVersion: 15,
    where: `id like 'k%'`,
  },
]

const config = (where: string | null = null) => ({ source: { onDelete: 'unsubscribe', backfill: 'initial', where } })

/** Changes each row, in one of the ways that leave the key, or the part of it that is out of line, as it is. */
async function changeRows({ database }: RunningConnector): Promise<void> {
  await database.query(`update patients set plan = 'basic' where code = 'p1'`)
  await database.query(`update patients set first_name = 'Mary', email = 'mary@example.org' where code = 'p2'`)
  await database.query(
    `begin; update patients set last_name = 'Doe' where code = 'p1'; delete from patients where code = 'p3'; commit`,
  )
}

// Several connectors run at a time, on a machine that may be busy.
describe.concurrent('a key that is stored out of line', { timeout: 120_000 }, () => {
  test.each(tables.filter(({ minVersion = 14 }) => postgresMajor >= minVersion))(
    'is known in every change: $name',
    async ({ schema, rows, where }) => {
      await using connector = await startConnector({ schema, config: config(where) })
      const { database } = connector
      await database.query(rows)
      await expectBothEndsEqual(connector)
      const [toast] = await database.query(`select sum(pg_relation_size(reltoastrelid)) as bytes from pg_class
        where oid in (select 'patients'::regclass union all select inhrelid from pg_inherits)`)
      expect(Number(toast?.bytes)).toBeGreaterThan(0)
      await changeRows(connector)
      await expectBothEndsEqual(connector)
      await database.query(`update patients set id = 'k' || id where code = 'p1'`)
      await database.query(`update patients set first_name = 'Last' where code = 'p1'`)
      await expectBothEndsEqual(connector)
      expect(connector.sandbox.patients().get('p1')?.first_name).toBe('Last')
      expect((await connector.status()).problems).toEqual([])
    },
  )

  test('is known in every change after a restart, and beside other long values', async () => {
    const schema = `create table patients (id text primary key, code text not null, note text, ${patient}, meta jsonb);
      ${external('patients')} alter table patients alter column meta set storage external;`
    await using connector = await startConnector({ schema, config: config() })
    const { database, sandbox } = connector
    await database.query(`insert into patients (id, code, note, meta)
      select id, code, note, jsonb_build_object('note', repeat('y', 5000)) from (${noted}) as rows (id, code, note)`)
    await expectBothEndsEqual(connector)
    await connector.stop()
    await using restarted = await startConnector({ database, sandbox, config: config() })
    await changeRows(restarted)
    await expectBothEndsEqual(restarted)
    expect(sandbox.patients().get('p1')?.meta).toEqual({ note: 'y'.repeat(5000) })
  })
})

test.each([
  { leaf: 'default', root: 'full' },
  { leaf: 'full', root: 'default' },
])(
  'a partition of identity $leaf under a root of identity $root keeps its long values when a key changes',
  async ({ leaf, root }) => {
    await using connector = await startConnector({
      schema: `create table patients (id int not null, region int not null, code text not null, ${patient}, meta jsonb, primary key (id, region))
        partition by list (region);
      create table one partition of patients for values in (1);
      alter table one alter column meta set storage external;
      alter table patients replica identity ${root}; alter table one replica identity ${leaf};
      create publication mediquo_cdc for table patients with (publish_via_partition_root);`,
      config: config(),
    })
    const { database, sandbox } = connector
    await database.query(`insert into patients (id, region, code, meta)
    values (1, 1, 'p1', jsonb_build_object('note', repeat('y', 5000)))`)
    await expectBothEndsEqual(connector)
    await database.query(`update patients set id = 2, first_name = 'Mary'`)
    await expectBothEndsEqual(connector)
    await connector.whenPatient('p1', ({ first_name }) => first_name === 'Mary')
    expect(sandbox.patients().get('p1')?.meta).toEqual({ note: 'y'.repeat(5000) })
    await connector.stop()
    await using restarted = await startConnector({ database, sandbox, config: config() })
    await database.query(`update patients set id = 3, first_name = 'Joan'`)
    await restarted.whenPatient('p1', ({ first_name }) => first_name === 'Joan')
    expect(sandbox.patients().get('p1')?.meta).toEqual({ note: 'y'.repeat(5000) })
  },
)
