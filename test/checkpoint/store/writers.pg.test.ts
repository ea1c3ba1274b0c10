import { describe, expect, test } from 'vitest'
import { recordStatement } from '../../../src/checkpoint/store/record-statement.ts'
import { migrateState } from '../../../src/checkpoint/store/state-database.ts'
import { lsn } from '../../../src/model/source/lsn.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { begun, identity, open, record, row } from './store-scene.ts'

const fenced = expect.objectContaining({ kind: 'fenced' })
const wentBack = expect.objectContaining({ kind: 'store went back' })

/** Copies the store's tables, as a standby or a backup of its server has them. */
const copy = (database: TestDatabase) =>
  database.query(`create schema older; create table older.checkpoint as table mediquo_cdc.checkpoint;
    create table older.delivery as table mediquo_cdc.delivery`)
const restore = (database: TestDatabase) =>
  database.query(`begin; delete from mediquo_cdc.checkpoint; insert into mediquo_cdc.checkpoint table older.checkpoint;
    delete from mediquo_cdc.delivery; insert into mediquo_cdc.delivery table older.delivery; commit`)

describe('an instance that another has replaced', () => {
  test('does not become the writer again with what it has in memory', async () => {
    await using database = await testDatabase()
    await using first = await begun(database)
    await using second = open(database.url)
    await second.store.takeOver(await second.store.load())
    await record(second.store, [row('a', { fingerprint: '22' })])
    await expect(first.store.takeOver(null)).rejects.toThrow(fenced)
    await expect(record(first.store, [row('a', { fingerprint: '11' })])).rejects.toThrow(fenced)
    expect(await second.store.lookUp([row('a').key])).toMatchObject(new Map([[row('a').key, { fingerprint: '22' }]]))
    // The second one was not disturbed.
    await record(second.store, [row('b')])
  })

  test('does not become the writer with a checkpoint that it loaded before, whatever the other one has written', async () => {
    await using database = await testDatabase()
    await using first = await begun(database)
    await using second = open(database.url)
    const loaded = await second.store.load()
    await record(first.store, [row('a')], { checkpointLsn: lsn(100n) })
    await expect(second.store.takeOver(loaded)).rejects.toThrow(fenced)
    await record(first.store, [row('b')])
  })
})

describe('a store that lacks an answered write is not written', () => {
  const older: readonly (readonly [string, (database: TestDatabase) => Promise<unknown>])[] = [
    ['after it was restored from a copy', restore],
    ['after its rows were lost', (database) => database.query('truncate mediquo_cdc.checkpoint, mediquo_cdc.delivery')],
    ['after its tables were dropped', (database) => database.query('drop schema mediquo_cdc cascade')],
    [
      'after it was made again, and another instance has reached the same epoch and number of writes',
      async (database) => {
        const [before] = await database.query('select run, writes from mediquo_cdc.checkpoint')
        await database.query('drop schema mediquo_cdc cascade')
        await using other = open(database.url)
        await migrateState(other.db, 'mediquo_cdc')
        await other.store.begin(identity, { lsn: lsn(100n), slotGapXid: null }, null)
        await other.store.takeOver(await other.store.load())
        for (let left = 2; left > 0; left--) await record(other.store, [row('a')])
        expect(await database.query('select run, writes from mediquo_cdc.checkpoint')).toEqual([before])
      },
    ],
    [
      'after it was restored, and another instance has taken over',
      async (database) => {
        await restore(database)
        await using other = open(database.url)
        await other.store.takeOver(await other.store.load())
        for (let left = 2; left > 0; left--) await record(other.store, [row('a')])
      },
    ],
  ]
  test.each(older)('%s', async (_, goBack) => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await record(state.store, [row('a', { fingerprint: '00' })])
    await copy(database)
    await record(state.store, [row('a', { fingerprint: '11' })])
    expect(state.store.wentBack(await state.store.load())).toBe(false)
    await goBack(database)
    await expect(record(state.store, [row('b')])).rejects.toThrow(wentBack)
    await expect(record(state.store, [row('b')])).rejects.toThrow(wentBack)
    if (goBack === restore) await expect(state.store.takeOver(null)).rejects.toThrow(wentBack)
  })

  test('and the process knows it until it has made the store right again', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await copy(database)
    await record(state.store, [row('a')])
    await restore(database)
    expect(state.store.wentBack(await state.store.load())).toBe(true)
    expect(state.store.wentBack(null)).toBe(true)
    state.store.forgetOwnWrites()
    expect(state.store.wentBack(await state.store.load())).toBe(false)
  })
})

test('a write whose answer was lost, and which happens after the next one, changes nothing', async () => {
  await using database = await testDatabase()
  await using state = await begun(database)
  const writer = (await state.store.load())?.writer ?? ''
  const content = {
    horizon: null,
    readLsn: null,
    takenCodes: { codes: [], inDoubt: [], accepted: [] },
    backfill: null,
    backfillRequest: null,
    leaseMs: null,
    recentRequests: [],
  }
  const late = recordStatement(
    { epoch: 1, writer, confirmed: 1, begun: 2 },
    { ...content, rows: [row('a', { fingerprint: '11' })], checkpointLsn: lsn(150n) },
  )
  await record(state.store, [row('a', { fingerprint: '22' })])
  await record(state.store, [row('a', { fingerprint: '33' })])
  expect((await state.db.execute(late)).rows).toEqual([])
  expect(await state.store.lookUp([row('a').key])).toMatchObject(new Map([[row('a').key, { fingerprint: '33' }]]))
})

describe('the lease', () => {
  const leftMs = async (database: TestDatabase) => {
    const left = 'extract(epoch from leased_until - clock_timestamp()) * 1000'
    const [row] = await database.query(`select greatest(0, ${left}) as ms from mediquo_cdc.checkpoint`)
    return Number(row?.ms)
  }
  /** Has another process take over, and expects that it waits as long as the lease lasts by the server's clock. */
  const expectWait = async (database: TestDatabase) => {
    await using other = open(database.url)
    const before = await leftMs(database)
    const { othersLeaseMs } = await other.store.takeOver(await other.store.load())
    expect(othersLeaseMs).toBeLessThanOrEqual(Math.ceil(before))
    expect(othersLeaseMs).toBeGreaterThanOrEqual(Math.floor(await leftMs(database)))
    return othersLeaseMs
  }

  test('keeps another process waiting, but not the one that has it', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await record(state.store, [], { leaseMs: 600_000 })
    expect((await state.store.takeOver(null)).othersLeaseMs).toBe(0)
    expect(await expectWait(database)).toBeGreaterThan(0)
    // A third one waits for the same requests: the second one has sent nothing.
    expect(await expectWait(database)).toBeGreaterThan(0)
  })

  test('lasts until it is over by the clock of the server, or is released', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await record(state.store, [], { leaseMs: 600_000 })
    await record(state.store, [row('a')])
    await database.query(`update mediquo_cdc.checkpoint set leased_until = leased_until - interval '300 s'`)
    expect(await expectWait(database)).toBeGreaterThan(0)
    await database.query(`update mediquo_cdc.checkpoint set leased_until = clock_timestamp() - interval '1 s'`)
    expect(await expectWait(database)).toBe(0)
  })

  test('that was released keeps nobody waiting', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await record(state.store, [], { leaseMs: 600_000 })
    await record(state.store, [row('a')], { leaseMs: 0 })
    expect(await expectWait(database)).toBe(0)
  })
})
