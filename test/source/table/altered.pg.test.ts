import { describe, expect, test } from 'vitest'
import { runCommand } from '../../cli/run-command.ts'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { type RunningConnector, startConnector } from '../../support/connector.ts'
import { postgresMajor } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

const config = { source: { onDelete: 'unsubscribe', backfill: 'initial' } }
const table = `create table patients (
  code text primary key, first_name text not null default 'Jane', last_name text, gender text not null default 'female',
  birth_date date not null default '1980-01-01', email text, plan text default 'premium', visits int not null default 0);`
const three = `insert into patients (code) values ('a'), ('b'), ('c');`

/** A column list would keep these columns from being dropped and retyped, so the publication is created beforehand, without one. */
const wholeTable = 'create publication mediquo_cdc for table patients;'

/** Starts a connector that has delivered three rows, and its database. */
async function delivered(schema = table + three): Promise<RunningConnector> {
  const connector = await startConnector({ config, schema })
  await expectBothEndsEqual(connector)
  return connector
}
const whenBlocked = (connector: RunningConnector) => until(async () => blockedBy(connector))
async function blockedBy(connector: RunningConnector): Promise<string | false> {
  const { state, reason } = await connector.status()
  return state === 'blocked' && (reason ?? '')
}
/** Returns the states of the connector since a line of the log. */
const statesSince = ({ log }: RunningConnector, line: number) =>
  log.slice(line).flatMap(({ msg, state }) => (msg === 'state changed' ? [state] : []))

// In parallel: each test waits for the connector more than it works.
describe.concurrent('a table that is altered while the connector streams', () => {
  test('columns that are not mapped may be added, dropped, renamed and retyped', async () => {
    await using connector = await delivered()
    const { database, log } = connector
    const before = log.length
    await database
      .query(`alter table patients add column height int default 170, rename column visits to calls`)
      .catch(async () => {
        await database.query(`alter table patients add column height int default 170`)
        await database.query(`alter table patients rename column visits to calls`)
      })
    await database.query(`update patients set first_name = 'One' where code = 'a'`)
    await database.query(`alter table patients alter column calls type text`)
    await database.query(`update patients set first_name = 'Two' where code = 'b'`)
    await database.query(`alter table patients drop column calls, drop column height`)
    await database.query(`update patients set first_name = 'Three' where code = 'c'`)
    await expectBothEndsEqual(connector)
    expect(statesSince(connector, before)).toEqual([])
  })

  test('a mapped column that is dropped with its dependent objects removes the table from the publication, and blocks', async () => {
    await using connector = await delivered()
    const { database } = connector
    await database.query(`alter table patients drop column email cascade`)
    await database.query(`update patients set first_name = 'Changed'`)
    const reason = await whenBlocked(connector)
    expect(reason).toMatch(postgresMajor < 15 ? 'email' : /ALTER PUBLICATION .* ADD TABLE .*"plan"\)/)
    await database.query(`alter table patients add column email text default 'new@example.org'`)
    if (postgresMajor >= 15) await database.query('alter publication mediquo_cdc add table patients')
    await connector.whenState('streaming')
    await expectBothEndsEqual(connector)
  })

  test('a mapped column that is dropped blocks until it exists again', async () => {
    await using connector = await delivered(table + three + wholeTable)
    const { database, sandbox } = connector
    await database.query(`alter table patients drop column email`)
    await database.query(`update patients set first_name = 'Changed'`)
    expect(await whenBlocked(connector)).toContain('email')
    expect([...sandbox.patients().values()].map(({ first_name }) => first_name)).toEqual(['Jane', 'Jane', 'Jane'])

    await database.query(`alter table patients add column email text default 'new@example.org'`)
    await publishAgain(connector)
    await connector.whenState('streaming')
    await expectBothEndsEqual(connector)
  })

  test('a mapped column that is renamed blocks until it has its name again, and no change in the meantime is lost', async () => {
    await using connector = await delivered()
    const { database } = connector
    await database.query(`alter table patients rename column email to mail`)
    await database.query(`update patients set mail = 'a@example.org' where code = 'a'`)
    await database.query(`delete from patients where code = 'b'`)
    await database.query(`insert into patients (code) values ('d')`)
    expect(await whenBlocked(connector)).toContain('email')

    await database.query(`alter table patients rename column mail to email`)
    await connector.whenState('streaming')
    await expectBothEndsEqual(connector)
  })

  test.each([
    ['dropped', 'alter table patients drop column email', `alter table patients add column email text`],
    ['renamed', 'alter table patients rename column email to mail', 'alter table patients rename column mail to email'],
  ])('a mapped column that is %s blocks before anything is written', async (_how, alter, putBack) => {
    await using connector = await delivered(table + three + wholeTable)
    const { database, sandbox } = connector
    await database.query(alter)
    expect(await whenBlocked(connector)).toContain('email')
    await database.query(`update patients set first_name = 'Changed'`)
    expect([...sandbox.patients().values()].map(({ first_name }) => first_name)).toEqual(['Jane', 'Jane', 'Jane'])

    await database.query(putBack)
    await publishAgain(connector)
    await connector.whenState('streaming')
    await expectBothEndsEqual(connector)
  })

  test('a mapped column that is retyped causes no block if the type fits, and its converted values are sent', async () => {
    await using connector = await delivered(
      `${table} insert into patients (code, email) values ('a', 'long-a@example.org'), ('b', 'b@example.org'); ${wholeTable}`,
    )
    const { database } = connector
    // The rows are rewritten, and no change is streamed.
    await database.query(`alter table patients alter column email type varchar(12) using left(email, 12)`)
    await connector.whenLogged('the table was altered, a backfill follows')
    await database.query(`update patients set first_name = 'One' where code = 'b'`)
    await expectBothEndsEqual(connector)
  })

  test('a mapped column that is retyped to an unsuitable type blocks until it has a suitable one', async () => {
    await using connector = await delivered(table + three + wholeTable)
    const { database, sandbox } = connector
    await database.query(`alter table patients alter column email type bytea using convert_to(email, 'UTF8')`)
    await database.query(`update patients set email = 'x'`)
    expect(await whenBlocked(connector)).toContain('column "email" is bytea')
    expect([...sandbox.patients().values()].map(({ email }) => email)).toEqual([null, null, null])
    await database.query(`alter table patients alter column email type text using 'fixed@example.org'`)
    await connector.whenState('streaming')
    await expectBothEndsEqual(connector)
  })

  test('a renamed label of a mapped enum is sent, though nothing is streamed', async () => {
    await using connector = await delivered(
      `create type tariff as enum ('basic', 'premium');
     ${table.replace(`plan text default 'premium'`, `plan tariff default 'premium'`)} ${three}`,
    )
    await connector.database.query(`alter type tariff rename value 'premium' to 'gold'`)
    await expectBothEndsEqual(connector)
    expect(connector.sandbox.patients().get('a')?.plan).toBe('gold')
  })

  test('a table that is renamed blocks until it has its name again', async () => {
    await using connector = await delivered()
    const { database } = connector
    await database.query(`alter table patients rename to persons`)
    await database.query(`update persons set first_name = 'Two' where code = 'b'`)
    expect(await whenBlocked(connector)).toMatch(/patients.* does not exist/)
    await database.query(`alter table persons rename to patients`)
    await connector.whenState('streaming')
    await expectBothEndsEqual(connector)
  })

  test('a renamed table is recognised under its new name in the configuration', async () => {
    await using connector = await delivered()
    const { database, sandbox } = connector
    await connector.stop()
    await database.query(`alter table patients rename to persons`)
    await database.query(`update persons set first_name = 'Two' where code = 'b'`)
    await database.query(`create view patients as select * from persons`)
    const requests = sandbox.requests.length
    const source = { ...config.source, table: 'public.persons' }
    await using again = await startConnector({ database, sandbox, config: { source } })
    await expectBothEndsEqual(again)
    expect(sandbox.requests.slice(requests).filter(({ method }) => method === 'PUT')).toHaveLength(1)
  })

  test('a table that replaces another one is read, once it is published', async () => {
    await using connector = await delivered()
    const { database } = connector
    await database.query(`begin; alter table patients rename to patients_old;
    create table patients (like patients_old including all); insert into patients select * from patients_old;
    update patients set first_name = 'Moved' where code = 'a'; delete from patients where code = 'c'; commit`)
    expect(await whenBlocked(connector)).toContain('does not have')
    await database.query(`update patients set first_name = 'Unseen' where code = 'b'`)
    await database.query(`update patients_old set first_name = 'Old'`)
    await publishAgain(connector)
    await connector.whenState('streaming')
    await database.query(`insert into patients (code) values ('d')`)
    await expectBothEndsEqual(connector)
  })

  test('another primary key blocks; after it is restored, changes in the meantime are found', async () => {
    await using connector = await delivered(
      `${table.replace('code text primary key', 'code text not null unique, id int primary key')}
     insert into patients (id, code) values (1, 'a'), (2, 'b'), (3, 'c');`,
    )
    const { database } = connector
    await database.query(`alter table patients drop constraint patients_pkey, add primary key (code)`)
    // Its published columns must include the new key, or the application's own updates would fail.
    await database.query(`update patients set id = 20, first_name = 'Moved' where code = 'b'`)
    await database.query(`delete from patients where code = 'c'`)
    expect(await whenBlocked(connector)).toContain('mediquo-cdc adopt')

    await database.query(`alter table patients drop constraint patients_pkey, add primary key (id)`)
    await connector.whenState('streaming')
    await expectBothEndsEqual(connector)
  })

  test('another primary key is adopted: the table is read by it, and sent again', async () => {
    await using connector = await delivered(
      `${table.replace('code text primary key', 'code text not null unique, id int primary key')}
       insert into patients (id, code) values (1, 'a'), (2, 'b');`,
    )
    const { database, sandbox } = connector
    await database.query(`alter table patients drop constraint patients_pkey, add primary key (code)`)
    await database.query(`update patients set id = 20, first_name = 'Moved' where code = 'b'`)
    await whenBlocked(connector)
    const requests = sandbox.requests.length
    const { status, text } = await runCommand(['adopt', '--json'], { database })
    expect([status, JSON.parse(text).done]).toEqual([
      0,
      [{ kind: 'key changed', found: expect.stringContaining('known by code'), slot: 'kept', needsBackfill: true }],
    ])
    await connector.whenState('streaming')
    await database.query(`update patients set first_name = 'Later' where code = 'a'`)
    await expectBothEndsEqual(connector)
    expect(sandbox.requests.length).toBeGreaterThan(requests)
    expect(await database.query('select source_key from mediquo_cdc.delivery order by 1')).toEqual([
      { source_key: '["a"]' },
      { source_key: '["b"]' },
    ])
  })

  test('a partition that is attached, or detached, is detected: its rows are sent, or unsubscribed', async () => {
    await using connector = await delivered(`
    ${table.replace('primary key, first_name', 'not null, region int not null default 1, first_name').replace(/\);$/, ', primary key (code, region)) partition by list (region);')}
    create table patients_1 partition of patients for values in (1);
    create table patients_2 (like patients including all);
    insert into patients_2 (code, region) values ('x', 2), ('y', 2); ${three}`)
    const { database } = connector
    await database.query(`alter table patients attach partition patients_2 for values in (2)`)
    await expectBothEndsEqual(connector)
    await database.query(`update patients set first_name = 'There' where code = 'x'`)
    await expectBothEndsEqual(connector)
    await database.query(`alter table patients detach partition patients_1`)
    await expectBothEndsEqual(connector)
  })

  test.each(['while it streams', 'while it is stopped'])(
    'a table that is removed from the publication and added again, %s, is read again',
    async (when) => {
      await using connector = await delivered()
      const { database, sandbox } = connector
      if (when === 'while it is stopped') await connector.stop()
      const [publication] = await database.query('select pubname from pg_publication')
      await database.query(`alter publication ${publication?.pubname} drop table patients`)
      await database.query(`update patients set first_name = 'Unseen' where code = 'b'`)
      await database.query(`alter publication ${publication?.pubname} add table patients`)
      await database.query(`update patients set first_name = 'Seen' where code = 'c'`)
      if (when === 'while it streams') return await expectBothEndsEqual(connector)
      await using again = await startConnector({ database, sandbox, config })
      await expectBothEndsEqual(again)
    },
  )
})

/** Follows the reason: adds the whole table to the publication. */
async function publishAgain({ database }: RunningConnector): Promise<void> {
  const [publication] = await database.query('select pubname from pg_publication')
  await database.query(`alter publication ${publication?.pubname} set table patients`)
}
