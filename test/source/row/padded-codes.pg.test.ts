import { describe, expect, test } from 'vitest'
import { defaultKeys } from '../../../src/sandbox/sandbox-state.ts'
import { runCommand } from '../../cli/run-command.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { patientsTable, type RunningConnector, startConnector } from '../../support/connector.ts'
import { rewritingFront } from '../../support/network/rewriting-front.ts'

const config = { source: { onDelete: 'unsubscribe', backfill: 'initial' } }
/** Table of patients whose code has this type. */
const table = (type: string, key = 'id int') =>
  patientsTable.replace('code text primary key', `${key} primary key, code ${type} not null`)
const asPatients = `select rtrim(code) as code, first_name, last_name, gender, birth_date::text as birth_date, email, plan from patients`

/** Starts a sandbox behind an API that trims codes, as Laravel does. */
async function trimmingApi() {
  const sandbox = await testSandbox()
  const front = await rewritingFront(sandbox, { stored: (code) => code.trim() })
  return {
    sandbox,
    front,
    environment: { MEDIQUO_BASE_URL: front.baseUrl },
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]()
      await sandbox[Symbol.asyncDispose]()
    },
  }
}

const insert = (from: number, to: number) =>
  `insert into patients (id, code, plan) select n, 'p' || n, 'premium' from generate_series(${from}, ${to}) n;`

const ended = ({ sandbox }: Pick<RunningConnector, 'sandbox'>) =>
  [...sandbox.patients().values()].filter(({ unsubscribed_at }) => unsubscribed_at !== null).map(({ code }) => code)

// Slow: a code is unsubscribed only 5 s after the API accepted a version of it, since that may not be applied yet.
describe('a code of type character(n)', { concurrent: true, timeout: 120_000 }, () => {
  test.each([
    ['char(8)', ''],
    ['a domain', 'create domain short as char(8); create domain nhc as short;'],
  ])('is sent, read back and unsubscribed without its padding (%s)', async (type, before) => {
    await using api = await trimmingApi()
    const schema = `${before} ${table(type === 'a domain' ? 'nhc' : type)} ${insert(1, 4)}`
    await using connector = await startConnector({ ...api, schema, config })
    const { database, sandbox } = connector
    await database.query(`${insert(5, 8)} insert into patients (id, code, plan) values (9, 'full-len', 'premium')`)
    for (const code of ['p1', 'p5', 'full-len']) await connector.whenPatient(code)
    await database.query('delete from patients where id in (1, 5, 9)')
    await expectBothEndsEqual(connector, asPatients)
    expect(ended({ sandbox }).toSorted()).toEqual(['full-len', 'p1', 'p5'])
    expect(api.front.sent.filter(({ code }) => code !== code.trim())).toEqual([])
    expect(await connector.status()).toMatchObject({ deadLetters: 0, problems: [] })
  })

  test('is the same code in the key of a change, of a read, and of a delete', async () => {
    await using api = await trimmingApi()
    const schema = `${patientsTable.replace('code text', 'code char(8)')}
      insert into patients (code, plan) select 'k' || n, 'premium' from generate_series(1, 3) n;`
    await using connector = await startConnector({ ...api, schema, config })
    const { database, sandbox } = connector
    for (const code of ['k1', 'k2', 'k3']) await connector.whenPatient(code)
    await database.query(`update patients set code = 'k4' where code = 'k1'; delete from patients where code = 'k2';
      update patients set first_name = 'Eva' where code = 'k3'`)
    await expectBothEndsEqual(connector, asPatients)
    expect(ended({ sandbox }).toSorted()).toEqual(['k1', 'k2'])
    const known = await database.query('select code from mediquo_cdc.delivery where not removed order by 1')
    expect(known.map(({ code }) => code)).toEqual(['k3', 'k4'])
    const environment = {
      MEDIQUO_BASE_URL: api.front.baseUrl,
      MEDIQUO_API_KEY: defaultKeys.apiKey,
      MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
    }
    const verified = await runCommand(['verify', '--all'], { database }, environment)
    expect([verified.status, verified.text]).toEqual([0, expect.stringContaining('2 same')])
    const checked = await runCommand(['check'], { database }, environment)
    expect(checked.text).toContain(
      'how codes are sent: code is of type character(n): the spaces that pad it are taken off the code',
    )
  })

  test.each([
    ['whose mapping is noted', `update mediquo_cdc.mapping set hash = 'of the version before'`],
    [
      'that does not know mappings',
      `update mediquo_cdc.checkpoint set mapping = null, complete_mapping = null;
       update mediquo_cdc.delivery set mapping = null; update mediquo_cdc.backfill set mapping = null;
       delete from mediquo_cdc.mapping`,
    ],
  ])('that an earlier version has stored with its padding unsubscribes nobody (a store %s)', async (_, older) => {
    await using api = await trimmingApi()
    await using first = await startConnector({ ...api, schema: `${table('char(8)')} ${insert(1, 6)}`, config })
    const { database, sandbox } = first
    await expectBothEndsEqual(first, asPatients)
    await first.stop()
    // What that version had sent had other fingerprints.
    await database.query(`${older}; update mediquo_cdc.delivery
      set code = rpad(code, 8), fingerprint = decode(md5(code), 'hex'), former_codes = case source_key when '["2"]' then array['old     '] end`)
    // It had not unsubscribed a former code of the second row.
    await subscribe(api.front.baseUrl, 'old')
    api.front.sent.splice(0)
    await using connector = await startConnector({ ...api, database, config })
    const { log } = connector
    await database.query(`update patients set first_name = 'Eva' where id <= 2; delete from patients where id = 3`)
    await expectBothEndsEqual(connector, asPatients)
    expect(log.filter(({ msg }) => msg.startsWith('codes of character(n)'))).toMatchObject([{ rows: 6 }])
    const withoutPlan = api.front.sent.filter(({ plan }) => plan === undefined).map(({ code }) => code)
    expect([withoutPlan.toSorted(), ended({ sandbox }).toSorted()]).toEqual([
      ['old', 'p3'],
      ['old', 'p3'],
    ])
    const codes = await database.query(
      'select code, former_codes from mediquo_cdc.delivery where not removed order by 1',
    )
    expect(codes.map(({ code }) => code)).toEqual(['p1', 'p2', 'p4', 'p5', 'p6'])
    expect((await connector.status()).deadLetters).toBe(0)
    await connector.stop()
    await using again = await startConnector({ ...api, database, config })
    await again.whenSettled()
    expect(again.log.map(({ msg }) => msg)).not.toContain(log.find(({ msg }) => msg.startsWith('codes of'))?.msg)
  })
})

/** Sends a subscribed patient, as an earlier version did. */
async function subscribe(baseUrl: string, code: string): Promise<void> {
  const patient = { code, first_name: 'Old', gender: 'female', birth_date: '1980-01-01', plan: 'premium' }
  const { apiKey, secretKey } = defaultKeys
  const headers = { 'content-type': 'application/json', 'x-api-key': apiKey, 'x-secret-key': secretKey }
  const { status } = await fetch(`${baseUrl}/patients`, {
    method: 'PUT',
    headers,
    body: JSON.stringify({ patients: [patient] }),
  })
  expect(status).toBe(200)
}
