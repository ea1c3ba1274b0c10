import { describe, expect, test } from 'vitest'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { patientsTable, type RunningConnector, startConnector } from '../../support/connector.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

const ofStore = ['checkpoint', 'delivery', 'dead_letter', 'backfill']

/** Copies the store as it is. @returns a function that brings it back, as a fail-over to a lagging standby or a backup does. */
async function copied(state: TestDatabase): Promise<() => Promise<unknown>> {
  await state.query(
    `create schema older; ${ofStore.map((t) => `create table older.${t} as table mediquo_cdc.${t}`).join(';')}`,
  )
  const back = ofStore.map(
    (table) =>
      `delete from mediquo_cdc.${table}; insert into mediquo_cdc.${table} overriding system value table older.${table}`,
  )
  return () => state.query(`begin; ${back.join(';')}; commit`)
}

/** Starts a connector with its store in a database of its own. */
const started = (state: TestDatabase, source: Readonly<Record<string, unknown>> = {}) =>
  startConnector({
    schema: patientsTable,
    config: { state: { url: state.url }, source: { onDelete: 'unsubscribe', ...source } },
  })

/** Holds the next request until it is released: the problem lasts until then, and is told only as long as it lasts. */
const holdOne = ({ sandbox }: RunningConnector) =>
  sandbox.faults.add({ kind: 'hold', id: 'held', when: 'before applying', endpoint: 'put', times: 1 })

const send = async ({ database, ...connector }: RunningConnector, firstName: string) => {
  await database.query('update patients set first_name = $1', [firstName])
  await connector.whenPatient('jane', ({ first_name }) => first_name === firstName)
  await connector.whenSettled()
}

describe('a store that goes back under a running connector is not believed: every row is sent again', () => {
  test('after its server failed over to a standby that lagged', async () => {
    await using state = await testDatabase()
    await using connector = await started(state)
    const { database } = connector
    await database.query(
      `insert into patients (code, first_name, plan) values ('jane', 'V0', 'premium'), ('john', 'V0', 'premium')`,
    )
    await connector.whenPatient('jane')
    await connector.whenPatient('john')
    await connector.whenSettled()
    const restore = await copied(state)
    await database.query(`delete from patients where code = 'john'`)
    await send(connector, 'V1')
    await restore()
    // The older store says that mediQuo has just this.
    await database.query(`update patients set first_name = 'V0'`)
    await connector.whenLogged('the checkpoint store lacks what was written to it last, a backfill sends every row')
    await connector.whenPatient('jane', ({ first_name }) => first_name === 'V0')
    await expectBothEndsEqual(connector)
  })

  test('while the slot is confirmed past the checkpoint that the store has now', async () => {
    await using state = await testDatabase()
    await using connector = await started(state, { onSlotLost: 'stop' })
    const { database } = connector
    await database.query(`insert into patients (code, first_name, plan) values ('jane', 'V0', 'premium')`)
    await connector.whenPatient('jane')
    await connector.whenSettled()
    const restore = await copied(state)
    await send(connector, 'V1')
    await connector.whenAcknowledged()
    await restore()
    await database.query(`update patients set first_name = 'V0'`)
    await connector.whenPatient('jane', ({ first_name }) => first_name === 'V0')
    await expectBothEndsEqual(connector)
    expect(connector.log.filter(({ msg, state: is }) => msg === 'state changed' && is === 'blocked')).toEqual([])
  })

  test('after its tables were dropped', async () => {
    await using state = await testDatabase()
    await using connector = await started(state)
    const { database } = connector
    await database.query(`insert into patients (code, first_name, plan) values ('jane', 'V0', 'premium')`)
    await connector.whenPatient('jane')
    await send(connector, 'V1')
    await state.query('drop schema mediquo_cdc cascade')
    holdOne(connector)
    await database.query(`update patients set first_name = 'V2'`)
    await connector.whenRaised('MQ3010')
    connector.sandbox.faults.release('held')
    await connector.whenPatient('jane', ({ first_name }) => first_name === 'V2')
    await connector.whenLogged('problem cleared')
    const reasons = () => state.query('select reason from mediquo_cdc.backfill').catch(() => [])
    await until(async () => (await reasons()).length > 0)
    expect(await reasons()).toEqual([{ reason: 'store went back' }])
    await expectBothEndsEqual(connector)
  })
})
