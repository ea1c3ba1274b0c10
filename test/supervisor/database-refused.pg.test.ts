import { describe, expect, test } from 'vitest'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { patientsTable, type RunningConnector, startConnector } from '../support/connector.ts'
import { type TestDatabase, testDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const schema = `${patientsTable} alter table patients alter column meta set storage external;
  insert into patients (code, plan, meta) values ('long', 'premium', jsonb_build_object('note', repeat('x', 5000)));`
/** Sessions end so soon that the next one has to log in. */
const sessions = { queryTimeoutMs: 5_000, lifetimeSeconds: 1 }

/** Creates a role with the rights of `setup`. */
async function ownRole(database: TestDatabase) {
  const role = `role_${database.name}`
  await database.query(`create role ${role} replication login password 'first'; grant select on patients to ${role};
    grant create on database ${database.name} to ${role}; create publication mediquo_cdc for table patients`)
  const url = new URL(database.url)
  url.username = role
  url.password = 'first'
  return { role, environment: { DATABASE_URL: url.href } }
}

async function readiness(connector: RunningConnector) {
  const response = await fetch(`http://127.0.0.1:${connector.port()}/readyz`)
  return { isReady: response.status === 200, text: await response.text() }
}
// Slow: an idle position is stored every ten seconds, and a failed write is tried again after up to ten.
const patient = { deadlineMs: 60_000 }
const whenUnready = (connector: RunningConnector) =>
  until(async () => {
    const { isReady, text } = await readiness(connector)
    return !isReady && text
  }, patient)
const whenReady = (connector: RunningConnector) => until(async () => (await readiness(connector)).isReady, patient)
const whenProblem = (connector: RunningConnector, code: string) =>
  until(async () => (await codesOf(connector)).includes(code), patient)
const codesOf = async (connector: RunningConnector) => (await connector.status()).problems.map(({ code }) => code)

describe.concurrent('readiness and problems follow', { timeout: 200_000 }, () => {
  test.each([
    {
      name: 'the right to read the table',
      revoke: 'revoke select on patients from',
      grant: 'grant select on patients to',
    },
    {
      name: 'the right to use its schema',
      revoke: 'revoke usage on schema public from public,',
      grant: 'grant usage on schema public to',
    },
  ])('a read that is refused while one row waits for it, until it is allowed: $name', async ({ revoke, grant }) => {
    await using database = await testDatabase({ schema })
    const { role, environment } = await ownRole(database)
    await using connector = await startConnector({
      database,
      environment,
      config: { source: { onDelete: 'unsubscribe' } },
    })
    await database.query(`${revoke} ${role}`)
    await database.query(`update patients set first_name = 'Waits'`)
    expect(await whenUnready(connector)).toMatch(/the source denies a right \(permission denied for .*setup/)
    const { state, reason, problems } = await connector.status()
    expect([state, reason]).toEqual(['streaming', expect.stringContaining('denies a right')])
    expect(problems).toEqual([expect.objectContaining({ code: 'MQ1105', severity: 'critical', detail: reason })])
    // Other rows are sent in the meantime.
    await database.query(`insert into patients (code, plan) values ('other', 'premium')`)
    await connector.whenPatient('other')
    await database.query(`${grant} ${role}`)
    await whenReady(connector)
    await expectBothEndsEqual(connector)
    expect(await codesOf(connector)).toEqual([])
  })

  test('a password that is refused while nothing waits, until it is accepted', async () => {
    await using database = await testDatabase({ schema })
    const { role, environment } = await ownRole(database)
    await using connector = await startConnector({ database, environment, sessions })
    await whenReady(connector)
    await database.query(`alter role ${role} password 'second'`)
    expect(await whenUnready(connector)).toMatch(/refuses the user or password/)
    await whenProblem(connector, 'MQ1105')
    // The position of the server moves on, and cannot be stored.
    await database.query('create table filler as select generate_series(1, 10000)')
    await whenProblem(connector, 'MQ3001')
    await database.query(`alter role ${role} password 'first'`)
    await whenReady(connector)
    await connector.whenAcknowledged()
    await database.query(`update patients set first_name = 'Later'`)
    await expectBothEndsEqual(connector)
  })

  test('a right to write the state that is revoked while nothing waits, until it is granted', async () => {
    await using database = await testDatabase({ schema })
    const { role, environment } = await ownRole(database)
    await using connector = await startConnector({ database, environment })
    await whenReady(connector)
    await database.query(
      `alter table mediquo_cdc.checkpoint owner to current_user; grant select on mediquo_cdc.checkpoint to ${role}`,
    )
    await database.query('create table filler as select generate_series(1, 10000)')
    expect(await whenUnready(connector)).toMatch(/the state denies a right/)
    expect((await connector.status()).problems).toEqual([
      expect.objectContaining({ code: 'MQ3001', detail: expect.stringContaining('the state denies a right') }),
    ])
    await database.query(`alter table mediquo_cdc.checkpoint owner to ${role}`)
    await whenReady(connector)
    await connector.whenAcknowledged()
    expect(await codesOf(connector)).toEqual([])
  })
})
