import { describe, expect, test } from 'vitest'
import { migrateState, openStateDatabase } from '../../src/checkpoint/state-database.ts'
import { FencedError, Store } from '../../src/checkpoint/store.ts'
import { lsn } from '../../src/model/lsn.ts'
import { patientCode } from '../../src/model/patient.ts'
import { storedRowKey } from '../../src/model/row.ts'
import type { StoredRow } from '../../src/model/stored-row.ts'
import { xid } from '../../src/model/visibility.ts'
import { type TestDatabase, testDatabase } from '../support/postgres.ts'

const identity = { slot: 's', publication: 'p', sourceTable: 'public.patients', systemIdentifier: '7', timeline: 1 }

function open(url: string, schema = 'mediquo_cdc') {
  const state = openStateDatabase({ url, schema, applicationName: 'test', onConnectionError: () => undefined })
  return { ...state, store: new Store(state.db), [Symbol.asyncDispose]: () => state.close() }
}

async function begun(database: TestDatabase) {
  const state = open(database.url)
  await migrateState(state.db, 'mediquo_cdc')
  await state.store.begin(identity, lsn(100n), null)
  await state.store.takeOver()
  return state
}

const row = (key: string, changes: Partial<StoredRow> = {}): StoredRow => ({
  key: storedRowKey(JSON.stringify([key])),
  code: patientCode(key),
  fingerprint: '00112233445566778899aabbccddeeff',
  removed: false,
  position: { commitLsn: lsn(0xa_0000_0001n), ordinal: 7 },
  xid: xid(5_000_000_000n),
  deadLetter: null,
  ...changes,
})
const record = (store: Store, rows: StoredRow[], at = 200n) =>
  store.record({ rows, checkpointLsn: lsn(at), recentRequests: [[1_700_000_000, 'put', 3]] })

describe('the store', () => {
  test('what was recorded comes back as it was', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const letter = {
      reason: 'invalid',
      attributes: [{ attribute: 'gender', reason: 'missing' }],
      status: null,
    } as const
    const rows = [
      row('a'),
      row('b', { removed: true, fingerprint: null }),
      row('c', { deadLetter: letter, position: null, xid: null }),
    ]
    await record(state.store, rows)
    const found = await state.store.lookUp(rows.map(({ key }) => key))
    expect([...found.values()].sort((x, y) => (x.key < y.key ? -1 : 1))).toEqual(rows)
    const loaded = await state.store.load()
    expect(loaded).toMatchObject({ lsn: 200n, run: 1, recentRequests: [[1_700_000_000, 'put', 3]] })
    expect(await state.store.countDeadLetters()).toBe(1)
  })

  test('rows and checkpoint are stored together or not at all', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await database.query(`alter table mediquo_cdc.delivery add constraint no_bad check (code <> 'bad')`)
    await expect(record(state.store, [row('a'), row('bad')])).rejects.toThrow()
    expect((await state.store.load())?.lsn).toBe(100n)
    expect((await state.store.lookUp([row('a').key])).size).toBe(0)
  })

  test('a dead letter counts its attempts, and goes when the row is settled otherwise', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const letter = { reason: 'refused by the API', attributes: [], status: 422 } as const
    await record(state.store, [row('a', { deadLetter: letter })])
    await record(state.store, [row('a', { deadLetter: letter })])
    expect(await database.query('select attempts, status from mediquo_cdc.dead_letter')).toEqual([
      { attempts: '2', status: '422' },
    ])
    await record(state.store, [row('a')])
    expect(await state.store.countDeadLetters()).toBe(0)
  })

  test('an instance that another has replaced can neither record nor raise the horizon', async () => {
    await using database = await testDatabase()
    await using older = await begun(database)
    await using newer = open(database.url)
    await newer.store.takeOver()
    await expect(record(older.store, [row('a')])).rejects.toThrow(FencedError)
    await expect(older.store.raiseHorizon({ commitLsn: lsn(9n), ordinal: 1 }, [])).rejects.toThrow(FencedError)
    await record(newer.store, [row('a')])
    expect((await newer.store.load())?.lsn).toBe(200n)
  })

  test('the horizon is kept with the ordinal of the change', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await state.store.raiseHorizon({ commitLsn: lsn(300n), ordinal: 12 }, [])
    expect((await state.store.load())?.horizon).toEqual({ commitLsn: 300n, ordinal: 12 })
  })

  test('whether another row has a code', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await record(state.store, [row('a'), row('gone', { removed: true })])
    expect(await state.store.holdersOf(patientCode('a'), row('b').key)).toEqual([row('a').key])
    expect(await state.store.holdersOf(patientCode('a'), row('a').key)).toEqual([])
    expect(await state.store.holdersOf(patientCode('gone'), row('b').key)).toEqual([])
  })
})

describe('the migrations', () => {
  test('instances that start together make the tables once', async () => {
    await using database = await testDatabase()
    await using one = open(database.url)
    await using two = open(database.url)
    await Promise.all([migrateState(one.db, 'mediquo_cdc'), migrateState(two.db, 'mediquo_cdc')])
    await migrateState(one.db, 'mediquo_cdc')
    expect(await one.store.load()).toBeNull()
  })

  test('a role that may make no schema uses one that was made for it, and is told when there is none', async () => {
    await using database = await testDatabase()
    const role = `role_${database.name}`
    await database.query(`create role ${role} login password 'secret'`)
    try {
      const url = new URL(database.url)
      url.username = role
      url.password = 'secret'
      {
        await using state = open(url.href)
        await expect(migrateState(state.db, 'mediquo_cdc')).rejects.toThrow('CREATE SCHEMA mediquo_cdc AUTHORIZATION')
        await database.query(`create schema mediquo_cdc authorization ${role}`)
        await migrateState(state.db, 'mediquo_cdc')
        expect(await state.store.load()).toBeNull()
      }
    } finally {
      await database.query(`drop schema if exists mediquo_cdc cascade`)
      await database.query(`drop role ${role}`)
    }
  })
})
