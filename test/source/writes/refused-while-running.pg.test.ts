import { expect, test } from 'vitest'
import { runCommand } from '../../cli/run-command.ts'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { postgresMajor, testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

const writesRefused = 'MQ1103'
const stopped = 'updates and deletes are no longer published'
const fitted = 'publication altered to fit the table'

/** Resolves once the server accepts the write of the application. */
async function whenAccepted(write: () => Promise<unknown>): Promise<void> {
  await until(() =>
    write().then(
      () => true,
      () => false,
    ),
  )
}

test.skipIf(postgresMajor < 15)(
  'a replica identity that becomes full widens the publication, and writes go on',
  async () => {
    await using connector = await startConnector({
      schema: `${patientsTable} insert into patients (code) values ('p1')`,
    })
    const { database } = connector
    await database.query('alter table patients replica identity full')
    const raised = connector.whenRaised(writesRefused)
    await whenAccepted(() => database.query(`update patients set first_name = 'Mary'`))
    expect(await raised).toMatchObject({ relief: 'fitted', refusingTable: 'public.patients' })
    await connector.whenLogged(fitted)
    await connector.whenState('streaming')
    await connector.whenPatient('p1', ({ first_name }) => first_name === 'Mary')
    await database.query('delete from patients')
  },
)

const columns = `first_name text default 'Jane', gender text default 'female', birth_date date default '1980-01-01', plan text`

test('a partition without a replica identity that is attached stops the connector, and writes go on', async () => {
  await using connector = await startConnector({
    schema: `create table patients (code text, region int, ${columns}, primary key (code, region)) partition by list (region);
      create table north partition of patients for values in (1);
      create table south (code text not null, region int not null, ${columns});
      alter table south replica identity nothing;
      insert into patients (code, region) values ('p1', 1); insert into south (code, region) values ('p2', 2);`,
  })
  const { database } = connector
  await database.query('alter table patients attach partition south for values in (2)')
  const raised = connector.whenRaised(writesRefused)
  await whenAccepted(() => database.query(`update patients set first_name = 'Mary'`))
  expect(await raised).toMatchObject({ relief: 'stopped', refusingTable: 'public.south' })
  await connector.whenLogged(stopped)
  const { reason } = await connector.whenState('blocked')
  expect(reason).toContain('does not have a replica identity and publishes updates')
  await database.query(`delete from patients where region = 2; insert into patients (code, region) values ('p3', 2)`)

  await database.query('alter table south replica identity default')
  await connector.whenLogged(fitted)
  await connector.whenPatient('p1', ({ first_name }) => first_name === 'Mary')
  await connector.whenPatient('p3')
  await database.query(`update patients set first_name = 'Joan'`)
  await connector.whenPatient('p3', ({ first_name }) => first_name === 'Joan')
})

test('writes that other tables bring about go on as well', async () => {
  await using connector = await startConnector({
    schema: `create table clinics (id int primary key);
      create table patients (code text primary key, clinic int references clinics on delete cascade on update cascade, ${columns});
      create table visits (code text);
      create function visited() returns trigger language plpgsql as
        $$ begin update patients set plan = 'premium' where code = new.code; return new; end $$;
      create trigger visited after insert on visits for each row execute function visited();
      insert into clinics values (1), (2);
      insert into patients (code, clinic) values ('p1', 1), ('p2', 2), ('p3', null);`,
  })
  const { database } = connector
  await database.query('alter table patients replica identity nothing')
  await whenAccepted(() => database.query('update clinics set id = 11 where id = 1'))
  await database.query('delete from clinics where id = 2')
  await database.query(`insert into visits values ('p3')`)
  if (postgresMajor >= 15)
    await database.query(`merge into patients p using visits v on p.code = v.code
      when matched then update set first_name = 'Mary'`)
  expect(await database.query('select code, clinic, plan from patients order by code')).toEqual([
    { code: 'p1', clinic: '11', plan: null },
    { code: 'p3', clinic: null, plan: 'premium' },
  ])
})

test('without the right to alter the publication or to write, the problem names the statement that helps', async () => {
  const role = 'writes_least_privileged'
  await using database = await testDatabase({ schema: `${patientsTable} insert into patients (code) values ('p1')` })
  await database.query(`drop role if exists ${role}`)
  expect(await runCommand(['setup', '--role', role, '--apply'], { database })).toMatchObject({ status: 0 })
  try {
    await database.query(`alter role ${role} password 'secret'`)
    const url = new URL(database.url)
    url.username = role
    url.password = 'secret'
    await using connector = await startConnector({ database, environment: { DATABASE_URL: url.href } })
    await database.query('alter table patients replica identity nothing')
    await expect(database.query(`update patients set first_name = 'Mary'`)).rejects.toThrow('replica identity')
    expect(await connector.whenRaised(writesRefused)).toMatchObject({
      relief: 'none',
      refusingTable: 'public.patients',
    })
    const { problems } = await connector.status()
    const { fix = '' } = problems.find(({ code }) => code === writesRefused) ?? {}
    const statement = /ALTER PUBLICATION .*$/.exec(fix)?.[0] ?? ''
    await database.query(statement)
    await database.query(`update patients set first_name = 'Mary'`)
    await database.query('delete from patients')
  } finally {
    await database.query(`drop owned by ${role}; drop role ${role}`)
  }
})
