import { describe, expect, test } from 'vitest'
import { runCommand } from '../cli/run-command.ts'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { type RunningConnector, startConnector } from '../support/connector.ts'
import { postgresMajor, type TestDatabase, testDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const table = `create table patients (
  id int primary key, code text unique not null, first_name text not null default 'Jane', last_name text,
  gender text not null default 'female', birth_date date not null default '1980-01-01', email text, plan text default 'premium');
  insert into patients (id, code) select n, 'p' || n from generate_series(1, 6) n;`

const patientsWhere = (condition: string) =>
  `select code, first_name, last_name, gender, birth_date::text as birth_date, email, plan from patients where ${condition}`

const config = (where: string | null, onDelete = 'unsubscribe') => ({
  source: { where, onDelete, backfill: 'initial' },
})

async function filterOf(database: TestDatabase): Promise<string | null | undefined> {
  const [found] = await database.query(`select rowfilter from pg_publication_tables where tablename = 'patients'`)
  return found?.rowfilter
}

/** Delivers the rows of a filter, stops the connector, and returns it. */
async function delivered(where: string | null, schema = table): Promise<RunningConnector> {
  const connector = await startConnector({ schema, config: config(where) })
  await expectBothEndsEqual(connector, patientsWhere(where ?? 'true'))
  await connector.stop()
  return connector
}

const altered = 'the publication was given the row filter of source.where, a backfill follows'
const isAltered = ({ log }: RunningConnector) => log.some(({ msg }) => msg === altered)

/** Creates a role that may do everything but own the publication. */
async function roleOf(database: TestDatabase): Promise<string> {
  const role = `role_${database.name}`
  await database.query(`create role ${role} replication login password 'secret'; grant select on patients to ${role};
    grant create on database ${database.name} to ${role}`)
  const url = new URL(database.url)
  url.username = role
  url.password = 'secret'
  return url.href
}

// Several connectors run at a time, on a machine that may be busy.
describe.skipIf(postgresMajor < 15)('a row filter of the settings', { concurrent: true, timeout: 120_000 }, () => {
  test.each([
    { before: 'id <= 3', after: 'id <= 5', name: 'more rows' },
    { before: 'id <= 5', after: 'id <= 3', name: 'fewer rows' },
    { before: 'id <= 3', after: 'id > 3', name: 'other rows' },
    { before: 'id <= 3', after: null, name: 'every row' },
    { before: null, after: 'id <= 3', name: 'a part of the rows' },
  ])('is published, and both ends are equal: $name', async ({ before, after }) => {
    await using connector = await delivered(before)
    const { database, sandbox } = connector
    await database.query(`update patients set first_name = 'Stopped'`)
    await using again = await startConnector({ database, sandbox, config: config(after) })
    await expectBothEndsEqual(again, patientsWhere(after ?? 'true'))
    await database.query(
      `update patients set last_name = 'Doe'; insert into patients (id, code) values (0, 'p0'), (9, 'p9')`,
    )
    await expectBothEndsEqual(again, patientsWhere(after ?? 'true'))
    expect(isAltered(again)).toBe(true)
  })

  test('leaves the patients of rows that no longer match as they are, where deletes are ignored', async () => {
    await using connector = await delivered('id <= 3')
    const { database, sandbox } = connector
    await using again = await startConnector({ database, sandbox, config: config('id > 3', 'ignore') })
    await until(() => sandbox.patients().size === 6)
    await again.whenSettled()
    expect([...sandbox.patients().values()].filter(({ unsubscribed_at }) => unsubscribed_at !== null)).toEqual([])
  })

  test.each([
    ['id > 3', 'patients.id>3'],
    [`code like 'p%'`, `((code)::text ~~ 'p%'::text)`],
    ['id > 3', '(ID > (1 + 2))'],
  ])('is the same in another spelling: %s, %s', async (before, after) => {
    const schema = `${table} alter table patients replica identity full;`
    await using connector = await delivered(before, schema)
    const { database, sandbox } = connector
    const requests = sandbox.requests.length
    await using again = await startConnector({ database, sandbox, config: config(after) })
    await expectBothEndsEqual(again, patientsWhere(before))
    expect([isAltered(again), sandbox.requests.length]).toEqual([false, expect.any(Number)])
    expect(sandbox.requests.slice(requests).filter(({ method }) => method === 'PUT')).toEqual([])
  })

  test('is published again after somebody has altered the publication', async () => {
    await using connector = await startConnector({ schema: table, config: config('id <= 5') })
    const { database } = connector
    await expectBothEndsEqual(connector, patientsWhere('id <= 5'))
    await database.query('alter publication mediquo_cdc set table patients where (id <= 2)')
    await connector.whenLogged(altered)
    await database.query(`update patients set first_name = 'Later'`)
    await expectBothEndsEqual(connector, patientsWhere('id <= 5'))
  })

  test('is published with the root of partitions', async () => {
    const schema = `create table patients (id int primary key, code text not null, first_name text not null default 'Jane', last_name text,
        gender text not null default 'female', birth_date date not null default '1980-01-01', email text, plan text default 'premium')
        partition by range (id);
      create table low partition of patients for values from (0) to (4);
      create table high partition of patients for values from (4) to (100);
      insert into patients (id, code) select n, 'p' || n from generate_series(1, 6) n;`
    await using connector = await delivered('id <= 3', schema)
    const { database, sandbox } = connector
    await using same = await startConnector({ database, sandbox, config: config('(id)<=3') })
    await same.whenSettled()
    expect(isAltered(same)).toBe(false)
    await same.stop()
    await using again = await startConnector({ database, sandbox, config: config('id <= 5') })
    await expectBothEndsEqual(again, patientsWhere('id <= 5'))
  })

  test('waits while another instance uses the slot', async () => {
    await using connector = await startConnector({ schema: table, config: config('id <= 3') })
    const { database, sandbox } = connector
    await expectBothEndsEqual(connector, patientsWhere('id <= 3'))
    await using next = await startConnector({ database, sandbox, config: config('id <= 5'), waitFor: 'standby' })
    expect((await next.status()).reason).toContain('once no other instance uses the replication slot')
    expect(await filterOf(database)).toBe('(id <= 3)')
    await connector.stop()
    await next.whenState('streaming')
    await expectBothEndsEqual(next, patientsWhere('id <= 5'))
  })

  test.each([
    ['the filter is missing', '', 'id <= 3', /has no row filter/],
    ['source.where is not set', ' where (id <= 3)', null, /source\.where is not set.*\(id <= 3\)/],
    ['they differ', ' where (id <= 3)', 'id <= 5', /source\.where is id <= 5.*\(id <= 3\)/],
  ])(
    'keeps a publication of somebody else from being used, with the statement: %s',
    async (_, published, where, said) => {
      await using database = await testDatabase({
        schema: `${table} create publication mediquo_cdc for table patients${published};`,
      })
      const environment = { DATABASE_URL: await roleOf(database) }
      await expect(startConnector({ database, environment, config: config(where) })).rejects.toThrow(said)
      await expect(startConnector({ database, environment, config: config(where) })).rejects.toThrow(
        /ALTER PUBLICATION "?mediquo_cdc"? SET TABLE/,
      )
    },
  )

  test('blocks with the statement, and goes on once it was run, if somebody else alters the publication', async () => {
    await using database = await testDatabase({
      schema: `${table} create publication mediquo_cdc for table patients where (id <= 5);`,
    })
    await using connector = await startConnector({
      database,
      environment: { DATABASE_URL: await roleOf(database) },
      config: config('id <= 5'),
    })
    await expectBothEndsEqual(connector, patientsWhere('id <= 5'))
    await database.query('alter publication mediquo_cdc set table patients where (id <= 2)')
    await database.query(`update patients set first_name = 'Unseen'`)
    const { reason } = await connector.whenState('blocked')
    const [statement] = /ALTER PUBLICATION.*?;/.exec(reason ?? '') ?? []
    await database.query(statement ?? '')
    await connector.whenState('streaming')
    await expectBothEndsEqual(connector, patientsWhere('id <= 5'))
  })

  test('keeps the other tables of the publication in it', async () => {
    await using database = await testDatabase({
      schema: `${table} create table others (id int primary key); create publication mediquo_cdc for table others, patients;`,
    })
    const { text } = await runCommand(['setup', '--json'], { database, source: { where: 'id <= 3' } })
    const statements = JSON.parse(text) as { comment: string; sql: string }[]
    await database.query(statements.find(({ comment }) => comment === 'the rows of source.where')?.sql ?? '')
    expect(await database.query('select tablename, rowfilter from pg_publication_tables order by 1')).toEqual([
      { tablename: 'others', rowfilter: null },
      { tablename: 'patients', rowfilter: '(id <= 3)' },
    ])
  })

  test.each([
    ['a column that does not exist', 'missing = 1'],
    ['no condition', 'id +'],
    ['a value of another type', `id > 'x'`],
  ])('is refused if it is not one: %s', async (_, where) => {
    await using connector = await delivered('id <= 3')
    const { database, sandbox } = connector
    await expect(startConnector({ database, sandbox, config: config(where) })).rejects.toThrow(
      /source\.where is not a condition.*SQLSTATE/,
    )
    expect(await filterOf(database)).toBe('(id <= 3)')
  })

  test('is refused if it reads a column that the replica identity lacks', async () => {
    await using connector = await delivered('id <= 3')
    const { database, sandbox } = connector
    await expect(startConnector({ database, sandbox, config: config(`plan = 'premium'`) })).rejects.toThrow(
      /would break updates/,
    )
    expect(await filterOf(database)).toBe('(id <= 3)')
  })
})
