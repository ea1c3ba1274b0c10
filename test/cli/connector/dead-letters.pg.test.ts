import { describe, expect, test } from 'vitest'
import { type RunningConnector, startConnector } from '../../support/connector.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { runCommand } from '../run-command.ts'

/** Table whose rows are named by something other than their code, which may be missing. */
const schema = `
  create table patients (
    id int primary key, code text, first_name text default 'Zelda', gender text default 'female',
    birth_date date default '1980-01-01', email text, plan text);`
const refusedRow = `insert into patients (id, code, email) values (1, 'p1', 'zelda@example.com')`
const invalidRow = `insert into patients (id, code, first_name) values (2, null, null)`

async function letters(args: readonly string[], database: TestDatabase) {
  // No connector answers on this port.
  return await runCommand(['dead-letters', ...args], { database }, { HTTP_PORT: '9' })
}

/** Returns the number of rejections of each row, by its key. */
async function attempts({ database }: Pick<RunningConnector, 'database'>): Promise<Record<string, number>> {
  const found = await database.query('select source_key, attempts from mediquo_cdc.dead_letter order by source_key')
  return Object.fromEntries(found.map((row) => [row.source_key, Number(row.attempts)]))
}

async function whenAttempts(connector: Pick<RunningConnector, 'database'>, wanted: Record<string, number>) {
  await until(async () => JSON.stringify(await attempts(connector)) === JSON.stringify(wanted))
}

/** Changes a row without a change in the stream, so that only a read of the table can find it. */
async function changeUnseen({ database }: RunningConnector, sql: string): Promise<void> {
  await database.query(`alter publication mediquo_cdc set (publish = 'insert')`)
  await database.query(sql)
  await database.query(`alter publication mediquo_cdc set (publish = 'insert, update, delete, truncate')`)
}

async function withTwoDeadLetters(config = {}): Promise<RunningConnector> {
  const connector = await startConnector({ schema, config })
  connector.sandbox.reject({ codes: ['p1'] })
  await connector.database.query(refusedRow)
  await whenAttempts(connector, { '["1"]': 1 })
  await connector.database.query(invalidRow)
  await whenAttempts(connector, { '["1"]': 1, '["2"]': 1 })
  return connector
}

describe('list', () => {
  test('shows the reasons in 80 columns, without a value of a row', async () => {
    await using connector = await withTwoDeadLetters()
    const { text } = await letters(['list'], connector.database)
    const time = /\d{4}-\d\d-\d\d \d\d:\d\d/g
    expect(text.replaceAll(time, '<time>').split('\n')).toEqual([
      'CODE                                  REASON                  STATUS  ATTEMPTS',
      'p1                                    refused by the API         422         1',
      '  first <time>, last <time> UTC',
      '  email',
      '["2"]                                 invalid                      -         1',
      '  first <time>, last <time> UTC',
      '  code: missing, first_name: missing',
    ])
    expect(text.split('\n').every((line) => line.length <= 80)).toBe(true)
    const json = await letters(['list', '--json'], connector.database)
    expect(JSON.parse(json.text)).toEqual([
      expect.objectContaining({ key: '["1"]', code: 'p1', reason: 'refused by the API', status: 422, attempts: 1 }),
      expect.objectContaining({
        key: '["2"]',
        code: null,
        attributes: [
          { attribute: 'code', reason: 'missing' },
          { attribute: 'first_name', reason: 'missing' },
        ],
      }),
    ])
    for (const value of ['Zelda', 'example.com', '1980', 'female']) expect(json.text + text).not.toContain(value)
  })

  test('selects rows by code, or by the key of a row without one', async () => {
    await using connector = await withTwoDeadLetters()
    const codesOf = async (...args: string[]) =>
      JSON.parse((await letters(['list', '--json', ...args], connector.database)).text).map(
        ({ key }: { key: string }) => key,
      )
    expect(await codesOf('--code', 'p1')).toEqual(['["1"]'])
    expect(await codesOf('--code', '["2"]', 'nobody')).toEqual(['["2"]'])
    expect(await codesOf('--all')).toEqual(['["1"]', '["2"]'])
    expect(await letters(['list', '--code', 'nobody'], connector.database)).toMatchObject({
      status: 0,
      text: 'no dead letters for these codes',
    })
  })

  test('needs the checkpoint store of a connector that was started once', async () => {
    await using database = await testDatabase()
    expect(await letters(['list'], database)).toMatchObject({
      status: 3,
      text: expect.stringContaining('run the connector first'),
    })
  })
})

describe.concurrent('retry', () => {
  test('reads the rows again: a refused one counts one more attempt, an accepted one is cleared', async () => {
    await using connector = await withTwoDeadLetters()
    const { database, sandbox } = connector
    const retried = await letters(['retry', '--all'], database)
    expect(retried).toMatchObject({
      status: 0,
      text: 'asked for 2 rows to be read again; the next run of the connector begins it',
    })
    await whenAttempts(connector, { '["1"]': 2, '["2"]': 2 })
    sandbox.clearRejections()
    await changeUnseen(connector, `update patients set code = 'p2', first_name = 'Zoe' where id = 2`)
    expect(JSON.parse((await letters(['retry', '--all', '--json'], database)).text)).toMatchObject({ rows: 2 })
    await connector.whenPatient('p1')
    await connector.whenPatient('p2')
    await whenAttempts(connector, {})
  })

  test('clears the dead letter of a row that is gone from the table', async () => {
    await using connector = await withTwoDeadLetters()
    await changeUnseen(connector, 'delete from patients')
    await letters(['retry', '--all'], connector.database)
    await whenAttempts(connector, {})
    expect(connector.sandbox.patients().size).toBe(0)
  })

  test('clears it also if the table was altered and is found empty: the backfill that follows waits for rows', async () => {
    await using connector = await withTwoDeadLetters()
    const { database, sandbox } = connector
    await connector.stop()
    await letters(['retry', '--all'], database)
    await changeUnseen(connector, 'delete from patients')
    await using again = await startConnector({ database, sandbox })
    await again.whenLogged('the table is empty: the backfill begins once it has rows')
    await whenAttempts(again, {})
  })

  test('without a running connector is executed by the next run, and requested once', async () => {
    await using connector = await withTwoDeadLetters()
    const { database, sandbox } = connector
    await connector.stop()
    sandbox.clearRejections()
    const retry = ['retry', '--code', 'p1', '--json']
    expect(JSON.parse((await letters(retry, database)).text)).toEqual({
      rows: 1,
      requested: true,
      connectorRunning: false,
    })
    expect(JSON.parse((await letters(retry, database)).text)).toMatchObject({ requested: false })
    await using again = await startConnector({ database, sandbox })
    await again.whenPatient('p1')
    await whenAttempts(again, { '["2"]': 1 })
  })
})

describe.concurrent('discard', () => {
  test('is permanent: neither a running connector nor the next one brings the dead letter back, and the next version is sent', async () => {
    await using connector = await withTwoDeadLetters()
    const { database, sandbox } = connector
    expect(await letters(['discard', '--code', 'p1'], database)).toMatchObject({
      status: 0,
      text: expect.stringContaining('discarded 1 row'),
    })
    expect(await attempts(connector)).toEqual({ '["2"]': 1 })
    expect(JSON.parse((await letters(['discard', '--all', '--json'], database)).text)).toEqual({ discarded: 1 })
    await database.query(`insert into patients (id, code) values (3, 'p3')`)
    await connector.whenPatient('p3')
    await connector.stop()
    sandbox.clearRejections()
    await using again = await startConnector({ database, sandbox })
    await database.query(`update patients set email = 'other@example.com' where id = 1`)
    await again.whenPatient('p1')
    expect(await attempts(again)).toEqual({})
  })

  test('of a row in flight: another refusal rejects it again, sending it does not', async () => {
    await using connector = await withTwoDeadLetters()
    const { database, sandbox } = connector
    await database.query(`insert into patients (id, code) values (3, 'p3')`)
    await connector.whenPatient('p3')
    sandbox.reject({ codes: ['p2'] })
    sandbox.faults.add({ kind: 'hold', id: 'held', endpoint: 'put' })
    await database.query(`update patients set code = 'p2', first_name = 'Zoe' where id = 2`)
    await sandbox.faults.whenHeld('held')
    expect(await attempts(connector)).toEqual({ '["1"]': 1, '["2"]': 1 })
    await letters(['discard', '--all'], database)
    sandbox.faults.release('held')
    await whenAttempts(connector, { '["2"]': 1 })
    expect(await letters(['list'], database)).toMatchObject({ text: expect.stringMatching(/^p2 .* 422 /m) })
  })
})

test('commands that change something require a selection of rows', async () => {
  await using database = await testDatabase()
  for (const args of [['retry'], ['discard'], ['discard', '--all', '--code', 'p1']]) {
    await expect(letters(args, database)).rejects.toMatchObject({ name: 'CommanderError' })
  }
})
