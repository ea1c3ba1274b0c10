import { expect, test } from 'vitest'
import { followFailover } from '../../../src/checkpoint/store/identity/follow-failover.ts'
import { lsn } from '../../../src/model/source/lsn.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { backfillRuns, failover, readTo, rows, state, untouched } from './renewal-scene.ts'

const requested = [{ state: 'requested', reason: 'identity changed' }]
const sharing = { sharesWal: true, isComplete: true }
const sentTo = (position: string) =>
  `update mediquo_cdc.checkpoint set horizon_lsn = '${position}', horizon_ordinal = 1`
const removals = async (database: TestDatabase) => (await rows(database)).map(({ removed }) => removed)

test.each([sharing, { sharesWal: false, isComplete: true }])(
  'a fail-over that lost nothing only moves to the new timeline: %o',
  async (store) => {
    await using database = await testDatabase()
    await using known = await state(database)
    await database.query(sentTo('0/1FF'))
    // A read that ended at the switch has seen nothing past it.
    await database.query(readTo('0/200'))
    const followed = await followFailover(known.db, failover(0x200n, { store }))
    expect(followed).toEqual({ walWasLost: false, storeIsDoubted: false })
    const { fingerprintSalt } = known
    expect(await known.store.load()).toMatchObject({
      timeline: 2,
      lsn: 200n,
      epoch: 2,
      horizon: { commitLsn: 0x1ffn, ordinal: 1 },
      readLsn: 0x200n,
      fingerprintSalt,
    })
    expect(await backfillRuns(database)).toEqual([])
    expect(await rows(database)).toEqual(untouched)
  },
)

test('a fail-over that lost settled changes removes their positions, and requests a backfill run', async () => {
  await using database = await testDatabase()
  await using known = await state(database)
  const followed = await followFailover(known.db, failover(0x1f5n))
  expect(followed).toEqual({ walWasLost: true, storeIsDoubted: false })
  expect(await backfillRuns(database)).toEqual(requested)
  expect((await rows(database)).map((row) => [row.lsn, row.xid])).toEqual([
    ['0/90', '11'],
    ['0/1F4', '12'],
    [null, null],
  ])
})

test('a fail-over that lost changes possibly sent requests a backfill run, and waits for no position that never comes', async () => {
  await using database = await testDatabase()
  await using known = await state(database)
  await database.query(sentTo('0/200'))
  expect(await followFailover(known.db, failover(0x200n))).toEqual({ walWasLost: true, storeIsDoubted: false })
  expect((await known.store.load())?.horizon?.commitLsn).toBe(0x1ffn)
  expect(await backfillRuns(database)).toEqual(requested)
})

test('a fail-over that lost reads requests a backfill run, and reads no change again for a position that never comes', async () => {
  await using database = await testDatabase()
  await using known = await state(database)
  await database.query(readTo('0/201'))
  expect(await followFailover(known.db, failover(0x200n))).toEqual({ walWasLost: true, storeIsDoubted: false })
  expect(await known.store.load()).toMatchObject({ horizon: null, readLsn: 0x200n })
  expect(await backfillRuns(database)).toEqual(requested)
})

test('rows stay owed after a fail-over that lost their changes', async () => {
  await using database = await testDatabase()
  await using known = await state(database)
  await database.query(`update mediquo_cdc.delivery set owed = 'end', next_code = 'x', owed_at = now(), former_codes = '{o}'
    where code = 'b'`)
  await followFailover(known.db, failover(0x1f4n))
  expect(
    await database.query(
      'select owed, next_code, former_codes, lsn from mediquo_cdc.delivery where owed_at is not null',
    ),
  ).toEqual([{ owed: 'end', next_code: 'x', former_codes: '{o}', lsn: null }])
})

test.each([
  ['that may have gone back with the source', { sharesWal: true, isComplete: false }, '0/100'],
  ['elsewhere that went back too', { sharesWal: false, isComplete: false }, '0/100'],
  ['of the promoted server that has positions past the switch', sharing, '0/2FF'],
])('of a store %s no fingerprint and no removal is believed', async (_, store, horizon) => {
  await using database = await testDatabase()
  await using known = await state(database)
  await database.query(sentTo(horizon))
  const { storeIsDoubted } = await followFailover(known.db, failover(0x200n, { store }))
  expect(storeIsDoubted).toBe(true)
  const found = await known.store.load()
  expect(found?.fingerprintSalt).not.toEqual(known.fingerprintSalt)
  // Versions before the switch may have been sent: they are read again instead of being sent as the stream brings them.
  expect(found?.readLsn).toBe(0x200n)
  expect(await removals(database)).toEqual(['f', 'f', 'f'])
  expect(await backfillRuns(database)).toEqual(requested)
})

test('a store that lacks what was acknowledged goes on from the slot, and the backfill finds what lies in between', async () => {
  await using database = await testDatabase()
  await using known = await state(database)
  const followed = await followFailover(known.db, failover(0x200n, { slotLsn: lsn(0x1f0n), store: sharing }))
  expect(followed).toEqual({ walWasLost: true, storeIsDoubted: true })
  expect(await known.store.load()).toMatchObject({ lsn: 0x1f0n, readLsn: 0x200n })
})

test('no position lies past the switch afterwards', async () => {
  await using database = await testDatabase()
  await using known = await state(database)
  await database.query(`${sentTo('0/300')}, lsn = '0/310'; ${readTo('0/320')}`)
  await followFailover(known.db, failover(0x100n, { store: sharing }))
  const horizon = { commitLsn: 0xffn, ordinal: Number.MAX_SAFE_INTEGER }
  expect(await known.store.load()).toMatchObject({ lsn: 0x100n, readLsn: 0x100n, horizon })
})

test('a server that was decoded as a standby goes on from its slot, and what it streamed since is read again', async () => {
  await using database = await testDatabase()
  await using known = await state(database)
  await database.query(`${sentTo('0/300')}, lsn = '0/310'`)
  const followed = await followFailover(known.db, failover(0x100n, { slotLsn: lsn(0x2a0n) }))
  expect(followed).toEqual({ walWasLost: true, storeIsDoubted: false })
  const { fingerprintSalt } = known
  // Each transaction of now may be in the gap of a slot whose maker is not known.
  const expected = { lsn: 0x2a0n, readLsn: 0x500n, horizon: { commitLsn: 0xffn }, slotGapXid: 98n, fingerprintSalt }
  expect(await known.store.load()).toMatchObject(expected)
})

test.each([
  [null, null],
  ['97', 97n],
  ['120', 98n],
])('reads wait for no transaction that the promoted server has not begun: the gap %s', async (before, after) => {
  await using database = await testDatabase()
  await using known = await state(database)
  await database.query(`update mediquo_cdc.checkpoint set slot_gap_xid = ${before}`)
  await followFailover(known.db, failover(0x200n))
  expect((await known.store.load())?.slotGapXid).toBe(after)
})
