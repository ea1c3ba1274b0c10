import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { requestWholeBackfill } from '../../../src/checkpoint/store/backfill-runs.ts'
import { discardDeadLetters, listDeadLetters } from '../../../src/checkpoint/store/dead-letters.ts'
import { migrateState } from '../../../src/checkpoint/store/state-database.ts'
import { patientCode } from '../../../src/model/patient/patient.ts'
import { lsn } from '../../../src/model/source/lsn.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import { testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { begun, identity, open, record, row } from './store-scene.ts'

describe('the store', () => {
  test('loads two rows with one code without fingerprints, unless one of them has given the code up', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const code = patientCode('shared')
    await record(state.store, [row('a', { code }), row('b', { code }), row('c')])
    const keys = ['a', 'b', 'c'].map((key) => row(key).key)
    const known = async () =>
      [...(await state.store.lookUp(keys)).values()].map(({ fingerprint }) => fingerprint !== null)
    expect(await known()).toEqual([false, false, true])
    await record(state.store, [row('b', { code, removed: true, fingerprint: null })])
    expect(new Map([...(await state.store.lookUp(keys))]).get(row('a').key)?.fingerprint).not.toBeNull()
  })

  test('returns a row record as it was stored', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const letter = {
      reason: 'invalid',
      attributes: [{ attribute: 'gender', reason: 'missing' }],
      status: null,
    } as const
    const formerCode = patientCode('former')
    const rows = [
      row('a'),
      row('b', { removed: true, fingerprint: null }),
      row('c', { deadLetter: letter, position: null, xid: null }),
      row('d', { formerCodes: [formerCode], deadLetter: { ...letter, formerCode } }),
    ]
    await record(state.store, rows)
    expect((await listDeadLetters(state.db, null)).map(({ code }) => code).toSorted()).toEqual(['c', formerCode])
    const found = await state.store.lookUp(rows.map(({ key }) => key))
    expect([...found.values()].sort((x, y) => (x.key < y.key ? -1 : 1))).toEqual(rows)
    const loaded = await state.store.load()
    expect(loaded).toMatchObject({ lsn: 200n, epoch: 1, recentRequests: [[1_700_000_000, 'put', 3]] })
    expect(await state.store.countDeadLetters()).toBe(2)
  })

  test('stores row records and checkpoint together or not at all', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await database.query(`alter table mediquo_cdc.delivery add constraint no_bad check (code <> 'bad')`)
    await expect(record(state.store, [row('a'), row('bad')])).rejects.toThrow()
    expect((await state.store.load())?.lsn).toBe(100n)
    expect((await state.store.lookUp([row('a').key])).size).toBe(0)
  })

  test('counts the attempts of a dead letter, and removes it when the row is settled otherwise', async () => {
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

  test('neither counts a kept dead letter again nor brings it back', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const letter = { reason: 'invalid', attributes: [], status: null } as const
    await record(state.store, [row('a', { deadLetter: letter })])
    await record(state.store, [row('a', { deadLetter: 'kept' })])
    expect(await listDeadLetters(state.db, null)).toMatchObject([{ code: 'a', attempts: 1 }])
    expect(await discardDeadLetters(state.db, ['a'])).toBe(1)
    await record(state.store, [row('a', { deadLetter: 'kept' })])
    expect(await state.store.countDeadLetters()).toBe(0)
  })

  test('does not list the API’s text on an attribute, which may quote the value', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const attributes = [{ attribute: 'email', reason: 'zelda@example is no address' }]
    await record(state.store, [row('a', { deadLetter: { reason: 'refused by the API', attributes, status: 422 } })])
    expect(await listDeadLetters(state.db, null)).toMatchObject([
      { attributes: [{ attribute: 'email', reason: null }] },
    ])
  })

  test('discards dead letters in turn with the writes of a connector', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const letter = { reason: 'invalid', attributes: [], status: null } as const
    await record(state.store, [row('a', { deadLetter: letter })])
    const blocked = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    const { discarding } = await state.db.transaction(async (tx) => {
      await tx.execute(sql`update checkpoint set lsn = lsn`)
      const discarding = discardDeadLetters(state.db, null)
      await until(async () => (await database.query(blocked)).length > 0)
      return { discarding }
    })
    expect(await discarding).toBe(1)
  })

  test('does not let an instance record that another has replaced', async () => {
    await using database = await testDatabase()
    await using older = await begun(database)
    await using newer = open(database.url)
    await newer.store.takeOver(await newer.store.load())
    const letter = { reason: 'refused by the API', attributes: [], status: 422 } as const
    await newer.store.backfillRuns.request(null)
    await newer.store.backfillRuns.begin(1, 10)
    const backfill = { id: 1, position: null, rowsRead: 5, done: true }
    const rows = [row('a'), row('b', { deadLetter: letter })]
    await expect(record(older.store, rows, { backfill, readLsn: lsn(300n) })).rejects.toThrow(
      expect.objectContaining({ kind: 'fenced' }),
    )
    expect((await newer.store.lookUp(rows.map(({ key }) => key))).size).toBe(0)
    expect(await newer.store.countDeadLetters()).toBe(0)
    expect(await newer.store.backfillRuns.next()).toMatchObject({ state: 'running', rowsRead: 0 })
    expect((await newer.store.load())?.readLsn).toBeNull()
    await record(newer.store, [row('a')])
    expect((await newer.store.load())?.lsn).toBe(200n)
  })

  test('keeps the horizon with the ordinal of the change', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await record(state.store, [], { horizon: { commitLsn: lsn(300n), ordinal: 12 } })
    await record(state.store, [row('a')])
    expect((await state.store.load())?.horizon).toEqual({ commitLsn: 300n, ordinal: 12 })
  })

  test('keeps the largest read position, which never decreases', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const stored = async () => (await state.store.load())?.readLsn
    expect(await stored()).toBeNull()
    await record(state.store, [], { readLsn: lsn(0x2_0000_0300n) })
    await record(state.store, [row('a')])
    expect(await stored()).toBe(0x2_0000_0300n)
    await record(state.store, [], { readLsn: lsn(0x2_0000_02ffn) })
    expect(await stored()).toBe(0x2_0000_0300n)
    await record(state.store, [], { readLsn: lsn(0x2_0000_0301n) })
    expect(await stored()).toBe(0x2_0000_0301n)
  })

  test('stores the first checkpoint with the request for a backfill, once, however many instances write it', async () => {
    await using database = await testDatabase()
    await using one = open(database.url)
    await using two = open(database.url)
    await migrateState(one.db, 'mediquo_cdc')
    await Promise.all(
      [one, two].map(({ store }) => store.begin(identity, { lsn: lsn(100n), slotGapXid: xid(7n) }, 'first run')),
    )
    expect(await one.store.load()).toMatchObject({ ...identity, lsn: 100n, slotGapXid: 7n, epoch: 0 })
    expect(await database.query('select state, reason from mediquo_cdc.backfill')).toEqual([
      { state: 'requested', reason: 'first run' },
    ])
  })

  test('finds the rows that have a code, will have it once they are read, or are owed and had it', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const code = patientCode('a')
    const moving = { fingerprint: null, owed: { reason: 'content', nextCode: code, delayMs: 0 } } as const
    await record(state.store, [
      row('a'),
      row('b', { code }),
      row('c', moving),
      row('d', { ...moving, code, removed: true }),
      row('e', { ...moving, code }),
      row('f', { formerCodes: [code] }),
      row('g', { ...moving, owed: { ...moving.owed, nextCode: null }, formerCodes: [patientCode('z'), code] }),
      row('gone', { removed: true }),
    ])
    const asked = ['a', 'c', 'gone', 'unknown'].map(patientCode)
    const found = await state.store.holdersOf(asked)
    const keys = (...names: string[]) => names.map((name) => row(name).key)
    expect([...found.keys()]).toEqual(asked)
    expect(asked.map((code) => found.get(code)?.toSorted())).toEqual([
      keys('a', 'b', 'c', 'd', 'e', 'g'),
      keys('c'),
      [],
      [],
    ])
  })
})

describe('backfill runs', () => {
  test('continue after the settled rows, run one after another, and are done once', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const { backfillRuns } = state.store
    expect(await backfillRuns.next()).toBeNull()
    expect(await backfillRuns.request(null)).toBe(true)
    expect(await backfillRuns.request([patientCode('a')])).toBe(true)
    expect([await backfillRuns.request(null), await backfillRuns.request([patientCode('a')])]).toEqual([false, false])
    await backfillRuns.begin(1, 10)
    const position = { phase: 'table', after: row('k').key, pageSize: 50 } as const
    await record(state.store, [row('k')], { backfill: { id: 1, position, rowsRead: 7, done: false } })
    expect(await backfillRuns.next()).toMatchObject({
      id: 1,
      state: 'running',
      position,
      rowsRead: 7,
      rowsEstimated: 10,
    })
    await record(state.store, [], { backfill: { id: 1, position, rowsRead: 9, done: true } })
    expect(await backfillRuns.next()).toMatchObject({ id: 2, state: 'requested', codes: ['a'] })
    expect(await backfillRuns.latest()).toMatchObject({ id: 1, state: 'done', rowsRead: 9 })
  })

  test('over the whole table replace earlier ones over it, and their later records', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await requestWholeBackfill(state.db, 'first run')
    await state.store.backfillRuns.begin(1, 10)
    await state.store.backfillRuns.request(null)
    await requestWholeBackfill(state.db, 'slot lost')
    await record(state.store, [], { backfill: { id: 1, position: null, rowsRead: 9, done: true } })
    expect(await database.query('select id, state, reason from mediquo_cdc.backfill order by id')).toEqual([
      { id: '1', state: 'replaced', reason: 'first run' },
      { id: '2', state: 'replaced', reason: 'asked for' },
      { id: '3', state: 'requested', reason: 'slot lost' },
    ])
  })

  test('over single rows survive one over the whole table, and continue before it', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const { backfillRuns } = state.store
    await backfillRuns.request(null, [row('a').key])
    await backfillRuns.begin(1, 1)
    await backfillRuns.request([patientCode('b')])
    await backfillRuns.requestRepair([patientCode('c')])
    await requestWholeBackfill(state.db, 'slot lost')
    expect(await database.query('select state, reason from mediquo_cdc.backfill order by id')).toEqual([
      { state: 'running', reason: 'asked for' },
      { state: 'requested', reason: 'asked for' },
      { state: 'requested', reason: 'found to differ' },
      { state: 'requested', reason: 'slot lost' },
    ])
    expect(await backfillRuns.next()).toMatchObject({ id: 1, keys: [row('a').key] })
  })

  test('for a repair are separate from a backfill of the same codes', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const { backfillRuns } = state.store
    const codes = Array.from({ length: 1_001 }, (_, n) => patientCode(`p${n}`))
    await backfillRuns.request(codes.slice(0, 1_000))
    expect(await backfillRuns.requestRepair(codes)).toBe(true)
    expect(await backfillRuns.requestRepair(codes)).toBe(false)
    expect(
      await database.query(
        'select state, reason, jsonb_array_length(codes) as codes from mediquo_cdc.backfill order by id',
      ),
    ).toEqual([
      { state: 'requested', reason: 'asked for', codes: '1000' },
      { state: 'requested', reason: 'found to differ', codes: '1000' },
      { state: 'requested', reason: 'found to differ', codes: '1' },
    ])
  })

  test('draws a sample from the rows that the API has accepted', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await record(state.store, [row('a'), row('b', { fingerprint: null }), row('c')])
    expect((await state.store.sampleDelivered(5)).toSorted()).toEqual([row('a').key, row('c').key])
    expect(await state.store.sampleDelivered(1)).toHaveLength(1)
  })

  test('lists the known rows: those that mediQuo may have, and those that are owed', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const letter = { reason: 'refused by the API', attributes: [], status: 422 } as const
    const gone = { removed: true, fingerprint: null }
    await record(state.store, [row('a'), row('b', gone), row('c', { ...gone, deadLetter: letter }), row('d')])
    const { backfillRuns } = state.store
    expect(await backfillRuns.rowsAfter(null, 2, null)).toEqual([row('a').key, row('c').key])
    expect(await backfillRuns.rowsAfter(row('c').key, 2, null)).toEqual([row('d').key])
    expect(await backfillRuns.rowsAfter(null, 2, [patientCode('d'), patientCode('b')])).toEqual([row('d').key])
    await record(state.store, [row('b', { ...gone, owed: { reason: 'end', nextCode: null, delayMs: 0 } })])
    expect(await backfillRuns.rowsAfter(null, 2, null)).toEqual([row('a').key, row('b').key])
    expect(await backfillRuns.rowsAfter(null, 2, [patientCode('d'), patientCode('b')])).toEqual([
      row('b').key,
      row('d').key,
    ])
  })
})

describe('the migrations', () => {
  test('create the tables once though instances start together', async () => {
    await using database = await testDatabase()
    await using one = open(database.url)
    await using two = open(database.url)
    await Promise.all([migrateState(one.db, 'mediquo_cdc'), migrateState(two.db, 'mediquo_cdc')])
    await migrateState(one.db, 'mediquo_cdc')
    expect(await one.store.load()).toBeNull()
  })

  test('use an existing schema for a role that must not create one, and report it if there is none', async () => {
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
