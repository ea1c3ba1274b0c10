import { describe, expect, test } from 'vitest'
import { defaultKeys } from '../../../src/sandbox/sandbox-state.ts'
import { whenBackfilled } from '../../backfill/asking.ts'
import { put, testSandbox } from '../../sandbox/sandbox-client.ts'
import { patientsTable, type RunningConnector, startConnector } from '../../support/connector.ts'
import { testDatabase } from '../../support/postgres.ts'
import { runCommand } from '../run-command.ts'

const rows = (count: number) => `insert into patients (code, first_name, plan)
  select 'p' || n, 'Name ' || n, 'premium' from generate_series(1, ${count}) n;`
const initial = { source: { backfill: 'initial' } }

type Ends = Pick<RunningConnector, 'database' | 'sandbox'>

const verify = ({ database, sandbox }: Ends, ...args: string[]) =>
  runCommand(['verify', ...args], { database }, environment(sandbox.baseUrl))

const environment = (baseUrl: string) => ({
  MEDIQUO_BASE_URL: baseUrl,
  MEDIQUO_API_KEY: defaultKeys.apiKey,
  MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
})

/** Patient that another client has changed at mediQuo. */
const meddled = (code: string) => ({
  code,
  first_name: 'Meddled Withal',
  gender: 'female',
  birth_date: '1980-01-01',
  plan: 'premium',
})

const read = ({ sandbox }: Ends) =>
  sandbox.requests.filter(({ method }) => method === 'GET').flatMap(({ codes }) => codes)

describe.concurrent('next to a running connector', () => {
  test('finds no difference: a sample, some codes, all', async () => {
    await using connector = await startConnector({ schema: patientsTable + rows(30), config: initial })
    await whenBackfilled(connector)
    const sample = await verify(connector, '--sample', '10')
    expect(sample).toMatchObject({
      status: 0,
      text: 'compared 10 rows: 10 same, 0 different, 0 missing, 0 pending; 0 not sendable',
    })
    const codes = await verify(connector, '--code', 'p1', 'nobody')
    expect([codes.status, codes.text.split('\n')]).toEqual([
      0,
      ['no row         nobody', expect.stringContaining('compared 1 rows: 1 same')],
    ])
    const all = await verify(connector, '--all', '--json')
    expect([all.status, JSON.parse(all.text)]).toEqual([
      0,
      {
        isComplete: true,
        same: 30,
        different: 0,
        missing: 0,
        pending: 0,
        notSendable: 0,
        respelledCodes: 0,
        noRow: [],
        rows: [],
        repair: null,
      },
    ])
  })

  test('names rows that were changed or lost at mediQuo, without a value, and sends them again on demand', async () => {
    await using sandbox = await testSandbox()
    sandbox.reject({ codes: ['refused'] })
    await using connector = await startConnector({
      schema: `${patientsTable}${rows(3)} insert into patients (code, gender) values ('bad', 'x'), ('refused', 'male');`,
      sandbox,
      config: initial,
    })
    const { database } = connector
    await whenBackfilled(connector)
    sandbox.reset()
    await put(
      sandbox,
      [1, 3].map((n) => ({ ...meddled(`p${n}`), ...(n === 3 && { first_name: 'Name 3' }) })),
    )

    const { status, text } = await verify(connector, '--all')
    expect(status).toBe(4)
    expect(text.split('\n').toSorted()).toEqual([
      '--repair sends those rows again',
      'compared 3 rows: 1 same, 1 different, 1 missing, 0 pending; 2 not sendable',
      'different      p1  first_name',
      'missing        p2',
      'not sendable   bad  gender',
      'not sendable   refused',
    ])
    expect(text).not.toMatch(/Meddled|Name|premium|1980/)

    const repaired = await verify(connector, '--code', 'p1', 'p2', 'p3', '--repair', '--json')
    expect([repaired.status, JSON.parse(repaired.text)]).toEqual([
      4,
      expect.objectContaining({
        same: 1,
        rows: expect.arrayContaining([
          { result: 'different', code: 'p1', attributes: ['first_name'] },
          { result: 'missing', code: 'p2' },
        ]),
        repair: { requested: true, connectorRunning: false },
      }),
    ])
    await connector.whenPatient('p1', ({ first_name }) => first_name === 'Name 1')
    await connector.whenPatient('p2')
    expect(
      await database.query('select state, reason, codes from mediquo_cdc.backfill order by id desc'),
    ).toMatchObject([{ reason: 'found to differ' }, { reason: 'first run' }])
    expect(
      sandbox.requests
        .filter(({ method }) => method === 'PUT')
        .flatMap(({ codes }) => codes)
        .toSorted(),
    ).toEqual(['p1', 'p1', 'p2', 'p3'])
    await whenBackfilled(connector)
    expect((await verify(connector, '--all')).status).toBe(0)
  })

  test('reports a row that is not delivered yet as pending', async () => {
    await using connector = await startConnector({ schema: patientsTable + rows(2), config: initial })
    const { database, sandbox } = connector
    await whenBackfilled(connector)
    await connector.whenSettled()
    sandbox.faults.add({ kind: 'down', endpoint: 'put' })
    await database.query(`update patients set first_name = 'New' where code = 'p1'`)
    const { status, text } = await verify(connector, '--all')
    expect([status, text.split('\n')]).toEqual([
      0,
      [
        'pending        p1  first_name',
        'compared 2 rows: 1 same, 0 different, 0 missing, 1 pending; 0 not sendable',
        'pending: the connector has not delivered these rows yet; verify them again later',
      ],
    ])
  })
})

describe.concurrent('without a running connector', () => {
  test('tells delivered rows from pending ones, and the next run repairs differences', async () => {
    await using connector = await startConnector({ schema: patientsTable + rows(3), config: initial })
    const { database, sandbox } = connector
    await whenBackfilled(connector)
    await connector.stop()
    await put(sandbox, [meddled('p1')])
    await database.query(`update patients set first_name = 'New' where code = 'p2'`)
    const { status, text } = await verify(connector, '--all', '--repair')
    expect([status, text.split('\n').toSorted()]).toEqual([
      4,
      [
        'asked for those rows to be sent again; the connector does so once it runs',
        'compared 3 rows: 1 same, 1 different, 0 missing, 1 pending; 0 not sendable',
        'different      p1  first_name',
        'pending        p2  first_name',
        'pending: the connector has not delivered these rows yet; verify them again later',
      ],
    ])
    await using again = await startConnector({ database, sandbox, waitFor: null })
    await again.whenPatient('p1', ({ first_name }) => first_name === 'Name 1')
    await again.whenPatient('p2', ({ first_name }) => first_name === 'New')
  })

  test('reports rows that were never delivered as missing, with and without a checkpoint store', async () => {
    await using connector = await startConnector({ schema: patientsTable + rows(1) })
    const { database } = connector
    expect((await verify(connector)).text.split('\n')[0]).toBe('missing        p1')
    await connector.stop()
    await database.query('drop schema mediquo_cdc cascade')
    const { status, text } = await verify(connector)
    expect([status, text.split('\n')[0]]).toEqual([4, 'missing        p1'])
    expect(await verify(connector, '--repair')).toMatchObject({ status: 3 })
    expect(await database.query(`select from pg_namespace where nspname = 'mediquo_cdc'`)).toEqual([])
  })
})

describe('the API', () => {
  test('that refuses the keys ends the command with the reason, after one request', async () => {
    await using connector = await startConnector({ schema: patientsTable + rows(20), config: initial })
    await whenBackfilled(connector)
    const requests = read(connector).length
    const { database, sandbox } = connector
    const wrong = { ...environment(sandbox.baseUrl), MEDIQUO_SECRET_KEY: 'wrong' }
    const refused = runCommand(['verify', '--all'], { database }, wrong)
    await expect(refused).rejects.toMatchObject({ kind: 'check failed' })
    expect(read(connector).length - requests).toBeLessThanOrEqual(4)
  })
})

test('an invalid command line is refused', async () => {
  await using database = await testDatabase()
  const lines = [
    ['--sample', '0'],
    ['--sample', 'ten'],
    ['--all', '--code', 'p1'],
    ['--all', '--sample', '5'],
  ]
  for (const args of lines)
    await expect(runCommand(['verify', ...args], { database })).rejects.toMatchObject({ name: 'CommanderError' })
})
