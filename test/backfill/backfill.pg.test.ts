import { describe, expect, test } from 'vitest'
import { patientsTable, type RunningConnector, startConnector } from '../support/connector.ts'
import { testDatabase } from '../support/postgres.ts'
import { askForBackfill, whenBackfilled } from './asking.ts'

const rows = (count: number) => `insert into patients (code, first_name, plan)
  select 'p' || n, 'Name ' || n, 'premium' from generate_series(1, ${count}) n;`
const initial = { source: { backfill: 'initial' } }
const unsubscribe = { source: { onDelete: 'unsubscribe' } }

const puts = ({ sandbox }: RunningConnector) => sandbox.requests.filter(({ method }) => method === 'PUT').length
const subscribed = ({ sandbox }: RunningConnector) =>
  [...sandbox.patients().values()].filter(({ unsubscribed_at }) => unsubscribed_at === null).length

/** Deletes rows without a change in the stream, as in the gap of a lost slot. */
async function deleteUnseen({ database }: RunningConnector, where: string): Promise<void> {
  await database.query(`alter publication mediquo_cdc set (publish = 'insert, update')`)
  await database.query(`delete from patients where ${where}`)
  await database.query(`alter publication mediquo_cdc set (publish = 'insert, update, delete, truncate')`)
}

describe('the first run', () => {
  test('reads the table, reports its progress, and does not run again', async () => {
    await using database = await testDatabase({ schema: patientsTable + rows(1_234) })
    await using connector = await startConnector({ database, config: initial })
    const backfill = await whenBackfilled(connector)
    expect(backfill).toMatchObject({ state: 'done', rowsRead: 1_234, rowsEstimated: 1_234, secondsLeft: null })
    expect(connector.sandbox.patients().size).toBe(1_234)
    expect(puts(connector)).toBeLessThanOrEqual(20)
    await connector.stop()
    // The sessions that created the table and those of the connector have ended or sent their statistics: only the first rows count.
    await database.query('select pg_stat_force_next_flush()').catch(() => undefined)
    const written = 'select n_tup_ins, n_tup_upd, n_tup_del from pg_stat_user_tables where relname = $1'
    expect(await database.query(written, ['patients'])).toEqual([{ n_tup_ins: '1234', n_tup_upd: '0', n_tup_del: '0' }])
    const { sandbox } = connector
    const requests = puts(connector)
    await using again = await startConnector({ database, sandbox, config: initial })
    await database.query(`insert into patients (code) values ('new')`)
    await again.whenPatient('new')
    expect(puts(again)).toBe(requests + 1)
  })

  test('does not read the table if the setting forbids it', async () => {
    await using connector = await startConnector({ schema: patientsTable + rows(10) })
    await connector.database.query(`insert into patients (code) values ('new')`)
    await connector.whenPatient('new')
    expect((await connector.status()).backfill.state).toBe('none')
    expect([...connector.sandbox.patients().keys()]).toEqual(['new'])
  })

  test('is not taken for done if it was stopped halfway', async () => {
    await using database = await testDatabase({ schema: patientsTable + rows(2_000) })
    const config = { ...initial, mediquo: { requestsPerMinute: 120 } }
    await using connector = await startConnector({ database, config, waitFor: 'backfilling' })
    await connector.whenPatient('p100')
    await connector.stop()
    const [stopped] = await database.query('select state, rows_read from mediquo_cdc.backfill')
    expect(stopped?.state).toBe('running')
    expect(Number(stopped?.rows_read)).toBeLessThan(2_000)
    const { sandbox } = connector
    await using again = await startConnector({ database, sandbox, config: initial })
    const backfill = await whenBackfilled(again)
    expect(backfill).toMatchObject({ state: 'done', rowsRead: 2_000 })
    expect(sandbox.patients().size).toBe(2_000)
    expect(puts(again)).toBeLessThanOrEqual(30)
  })
})

describe('a backfill run over a table that mediQuo has', () => {
  test('sends nothing, and neither do updates of a column that is not mapped', async () => {
    await using connector = await startConnector({ schema: patientsTable + rows(700), config: initial })
    const { database } = connector
    await whenBackfilled(connector)
    await askForBackfill(connector)
    const requests = puts(connector)
    await database.query('update patients set visits = visits + 1')
    await askForBackfill(connector)
    await connector.whenSettled()
    await connector.whenAcknowledged()
    expect(puts(connector)).toBe(requests)
  })

  test('sends rows that differ: here a row that was changed during a gap', async () => {
    await using connector = await startConnector({ schema: patientsTable + rows(700), config: initial })
    const { database } = connector
    await whenBackfilled(connector)
    await database.query(`alter publication mediquo_cdc set (publish = 'insert')`)
    await database.query(`update patients set first_name = 'Changed' where code in ('p5', 'p500')`)
    await database.query(`alter publication mediquo_cdc set (publish = 'insert, update, delete, truncate')`)
    const requests = connector.sandbox.requests.length
    await askForBackfill(connector)
    const sent = connector.sandbox.requests.slice(requests).flatMap(({ codes }) => codes)
    expect(sent.toSorted()).toEqual(['p5', 'p500'])
  })

  test('sends all rows again once the mapping has changed', async () => {
    await using database = await testDatabase({ schema: patientsTable + rows(200) })
    await using connector = await startConnector({ database, config: initial })
    await whenBackfilled(connector)
    await connector.stop()
    const { sandbox } = connector
    const mapping = { code: 'code', first_name: 'first_name', gender: 'gender', birth_date: 'birth_date' }
    const config = { mapping: { ...mapping, plan: { constant: 'plus' } } }
    await using again = await startConnector({ database, sandbox, config })
    await askForBackfill(again)
    expect([...sandbox.patients().values()].every(({ plan }) => plan === 'plus')).toBe(true)
  })
})

describe('rows that are gone from the table', () => {
  test('are unsubscribed', async () => {
    await using connector = await startConnector({
      schema: patientsTable + rows(700),
      config: { source: { ...initial.source, ...unsubscribe.source } },
    })
    await whenBackfilled(connector)
    await deleteUnseen(connector, `code in ('p1', 'p350', 'p700')`)
    await connector.database.query(`insert into patients (code, plan) values ('after', 'premium')`)
    await connector.whenPatient('after')
    expect(subscribed(connector)).toBe(701)
    await askForBackfill(connector)
    expect(subscribed(connector)).toBe(698)
    const requests = puts(connector)
    await askForBackfill(connector)
    expect(puts(connector)).toBe(requests)
  })

  test('stay subscribed, and their row records are removed, if deletes are ignored', async () => {
    await using connector = await startConnector({ schema: patientsTable + rows(20), config: initial })
    await whenBackfilled(connector)
    await deleteUnseen(connector, `code = 'p7'`)
    await askForBackfill(connector)
    await connector.whenSettled()
    expect(subscribed(connector)).toBe(20)
    const [state] = await connector.database.query(`select removed from mediquo_cdc.delivery where code = 'p7'`)
    expect(state?.removed).toBe('t')
  })

  test('stay subscribed if the whole table is empty', async () => {
    await using connector = await startConnector({
      schema: patientsTable + rows(20),
      config: { source: { ...initial.source, ...unsubscribe.source } },
    })
    await whenBackfilled(connector)
    await connector.database.query('truncate patients')
    await connector.whenLogged('the table is empty: the backfill begins once it has rows')
    await askForBackfill(connector)
    await connector.whenLogged('the table is empty: rows that the state knows are left alone')
    expect(subscribed(connector)).toBe(20)
  })
})

describe('a backfill run over single codes', () => {
  test('sends their rows, known or not, and unsubscribes those that are gone', async () => {
    await using connector = await startConnector({ schema: patientsTable + rows(700), config: unsubscribe })
    const { database, sandbox } = connector
    await askForBackfill(connector, ['p3', 'p650'])
    expect([...sandbox.patients().keys()].toSorted()).toEqual(['p3', 'p650'])
    await deleteUnseen(connector, `code = 'p3'`)
    await database.query(`alter publication mediquo_cdc set (publish = 'insert')`)
    await database.query(`update patients set first_name = 'Changed'`)
    await database.query(`alter publication mediquo_cdc set (publish = 'insert, update, delete, truncate')`)
    await askForBackfill(connector, ['p3', 'p650', 'nobody'])
    expect(sandbox.patients().get('p3')?.unsubscribed_at).not.toBeNull()
    expect(sandbox.patients().get('p650')?.first_name).toBe('Changed')
  })
})
