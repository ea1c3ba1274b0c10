import { describe, expect, test } from 'vitest'
import { defaultKeys } from '../../../src/sandbox/sandbox-state.ts'
import type { Finding } from '../../../src/source/requirements/finding.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { patientsTable } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { mappingWithoutPlan } from '../../support/patients-table.ts'
import { postgresMajor, type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { runCommand } from '../run-command.ts'

const keys = { MEDIQUO_API_KEY: defaultKeys.apiKey, MEDIQUO_SECRET_KEY: defaultKeys.secretKey }

interface Asked {
  readonly source?: Readonly<Record<string, unknown>>
  readonly mapping?: Readonly<Record<string, unknown>>
  readonly url?: string
  readonly keys?: Readonly<Record<string, string>>
}

async function check(
  database: TestDatabase,
  { source = {}, mapping, url = database.url, keys: given = keys }: Asked = {},
) {
  await using sandbox = await testSandbox()
  const env = { ...given, MEDIQUO_BASE_URL: sandbox.baseUrl }
  const { status, text } = await runCommand(
    ['check', '--json'],
    { database: { ...database, url }, source, mapping },
    env,
  )
  const findings = JSON.parse(text) as Finding[]
  const unmet = findings.filter(({ met }) => !met)
  return {
    status,
    failed: unmet.filter(({ severity }) => severity !== 'warns').map(({ requirement }) => requirement),
    warned: unmet.filter(({ severity }) => severity === 'warns').map(({ requirement }) => requirement),
    of: (requirement: string) => findings.find((finding) => finding.requirement === requirement),
  }
}

/** Returns the connection string of a role that was created without privileges. */
function as(role: string, url: string): string {
  const changed = new URL(url)
  changed.username = role
  changed.password = 'secret'
  return changed.href
}

test('reports all violations together for a database that breaks a dozen requirements', async () => {
  await using server = await ownServer({ wal_level: 'replica', max_wal_senders: '0', max_replication_slots: '0' })
  await using database = await testDatabase({
    serverUrl: server.url(),
    schema: `
      create role nobody_in_particular login password 'secret';
      create schema clinic;
      create table clinic.patients (code text, first_name text, gender text);
      alter table clinic.patients enable row level security;
      create table clinic.others (id int primary key);
      create publication mediquo_cdc for table clinic.others with (publish = 'insert');`,
  })
  const mapping = { ...mappingWithoutPlan, birth_date: 'born' }
  const { status, failed } = await check(database, {
    source: { table: 'clinic.patients', publication: 'mediquo_cdc' },
    mapping,
    url: as('nobody_in_particular', database.url),
    keys: { MEDIQUO_API_KEY: 'revoked', MEDIQUO_SECRET_KEY: 'revoked' },
  })
  expect(status).toBe(3)
  expect(failed).toEqual([
    'wal_level is logical',
    'the user may replicate',
    'the user may use its schema',
    'the user may read it',
    'no row is hidden from the user',
    'rows have a replica identity',
    'the publication has every operation',
    'the publication has the table',
    'a free replication slot',
    'a free WAL sender',
    'the mapping fits the table',
    'the state can be kept',
    'the API accepts the keys',
  ])
})

test('passes a database that meets all requirements, and never fails because of advice', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  const { status, failed, warned } = await check(database)
  expect([status, failed]).toEqual([0, []])
  // The test server has no such limit.
  expect(warned).toContain('what a slot may hold is bounded')
})

test('prints each finding on its own line, in 80 columns, and a total in the last line', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  await using sandbox = await testSandbox()
  const { text, printed } = await runCommand(['check'], { database }, { ...keys, MEDIQUO_BASE_URL: sandbox.baseUrl })
  const [verdict = '', ...findings] = text.split('\n').filter(Boolean).toReversed()
  for (const line of findings) expect(line).toMatch(/^(passed {2}|warning |failed {2}| {8}fix: )\S/)
  const found = (word: string) => findings.filter((line) => line.startsWith(word)).length
  expect(verdict).toMatch(new RegExp(`^${found('passed')} passed, ${found('warning')} warnings?, 0 failed$`))
  expect(printed.split('\n').filter((line) => line.length > 80)).toEqual([])
})

describe('codes', () => {
  const schema = `create table patients (id int primary key, code text, first_name text, gender text, birth_date date, plan text);
    insert into patients select g, case when g > 3 then (g / 2)::text end, 'x', 'male', now() from generate_series(1, 9) g;`

  test('that are missing or repeated are counted, without naming one', async () => {
    await using database = await testDatabase({ schema })
    const { status, of } = await check(database)
    expect(status).toBe(0)
    expect(of('each row has a code of its own')).toMatchObject({
      met: false,
      severity: 'warns',
      detail: expect.stringContaining('missing in 3 rows, which will be rejected, and repeated in 3'),
    })
  })
})

describe('columns', () => {
  test('need privileges only if they are mapped', async () => {
    const role = 'reads_some_columns'
    await using database = await testDatabase({ schema: patientsTable })
    await database.query(`drop role if exists ${role}`)
    await database.query(`create role ${role} login replication password 'secret'`)
    try {
      const mapping = mappingWithoutPlan
      const url = as(role, database.url)
      const before = await check(database, { mapping, url })
      expect(before.failed).toEqual(['the user may read it', 'the publication', 'the state can be kept'])
      const { fix = '' } = before.of('the user may read it') ?? {}
      expect(fix).toBe(
        `GRANT SELECT ("code", "first_name", "gender", "birth_date") ON "public"."patients" TO "${role}";`,
      )
      await database.query(fix ?? '')
      await database.query(before.of('the publication')?.fix ?? '')
      await database.query(before.of('the state can be kept')?.fix ?? '')
      expect(await check(database, { mapping, url })).toMatchObject({ status: 0, failed: [] })
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`)
    }
  })

  test('that are generated are refused if the server does not stream them', async () => {
    const stored = 'generated always as (upper(code)) stored'
    await using database = await testDatabase({
      schema: `create table patients (code text primary key, first_name text ${stored}, gender text, birth_date date, plan text);`,
    })
    const { failed, of } = await check(database)
    if (postgresMajor >= 18) expect(failed).toEqual([])
    else expect(of('the mapping fits the table')?.detail).toContain('"first_name" is generated')
  })
})

describe.skipIf(postgresMajor < 15)('a row filter', () => {
  test('that would break updates is refused before it is published', async () => {
    await using database = await testDatabase({ schema: patientsTable })
    const { status, of } = await check(database, { source: { where: `plan = 'premium' and "code" <> 'gender'` } })
    expect(status).toBe(3)
    expect(of('the row filter reads the identity')).toMatchObject({
      met: false,
      detail: expect.stringContaining('reads plan, which the replica identity lacks'),
    })
    await database.query('alter table patients replica identity full')
    expect(await check(database, { source: { where: `plan = 'premium'` } })).toMatchObject({ status: 0 })
  })

  test('that an existing publication lacks is named with the statement', async () => {
    await using database = await testDatabase({
      schema: `${patientsTable} create table others (id int primary key); create publication mine for table patients, others;`,
    })
    const source = { publication: 'mine', where: `code > 'a'` }
    const before = await check(database, { source })
    expect(before.failed).toEqual(['the publication filters the rows'])
    await database.query(before.of('the publication filters the rows')?.fix ?? '')
    expect(await check(database, { source })).toMatchObject({ status: 0 })
  })
})
