import { describe, expect, test } from 'vitest'
import { adoptIdentity, distrustStore, followFailover, renewSlot } from '../../../src/checkpoint/store/slot-renewal.ts'
import { migrateState, openStateDatabase } from '../../../src/checkpoint/store/state-database.ts'
import { Store } from '../../../src/checkpoint/store/store.ts'
import { adoptKey } from '../../../src/checkpoint/store/table-schema.ts'
import { patientCode } from '../../../src/model/patient/patient.ts'
import { lsn } from '../../../src/model/source/lsn.ts'
import { storedRowKey } from '../../../src/model/source/row.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'

const identity = { slot: 's', publication: 'p', sourceTable: 'public.patients', systemIdentifier: '7', timeline: 1 }
const letters = `insert into mediquo_cdc.dead_letter (source_key, code, reason, attributes) values ('["b"]', 'b', 'invalid', '[]')`

/** Creates a checkpoint store at 0/C8 in its first epoch: a delivered row, a removed one, and a rejected one. */
async function state(database: TestDatabase) {
  const { url } = database
  const opened = openStateDatabase({
    connection: { connectionString: url },
    schema: 'mediquo_cdc',
    applicationName: 'test',
    onConnectionError: () => undefined,
  })
  const store = new Store(opened.db)
  await migrateState(opened.db, 'mediquo_cdc')
  await store.begin(identity, { lsn: lsn(200n), slotGapXid: null }, null)
  const { fingerprintSalt } = await store.takeOver(await store.load())
  await database.query(`insert into mediquo_cdc.delivery (source_key, code, fingerprint, removed, lsn, ordinal, xid) values
    ('["a"]', 'a', '\\x00', false, '0/90', 1, 11), ('["b"]', 'b', null, false, '0/1F4', 1, 12),
    ('["c"]', 'c', null, true, '0/1F5', 1, 13)`)
  await database.query(letters)
  return { db: opened.db, store, fingerprintSalt, [Symbol.asyncDispose]: () => opened.close() }
}

const rows = (database: TestDatabase) =>
  database.query('select code, fingerprint, removed, lsn, xid from mediquo_cdc.delivery order by code')
const untouched = [
  { code: 'a', fingerprint: '\\x00', removed: 'f', lsn: '0/90', xid: '11' },
  { code: 'b', fingerprint: null, removed: 'f', lsn: '0/1F4', xid: '12' },
  { code: 'c', fingerprint: null, removed: 't', lsn: '0/1F5', xid: '13' },
]
const readTo = (position: string) => `update mediquo_cdc.checkpoint set read_lsn = '${position}'`
const backfillRuns = (database: TestDatabase) =>
  database.query('select state, reason from mediquo_cdc.backfill order by id')

const renewal = { epoch: 1, identity: { ...identity, timeline: 2 }, lsn: lsn(0x300n), slotGapXid: xid(99n) }

describe('a slot that was recreated', () => {
  test('moves the checkpoint and requests a backfill run; the row records stay', async () => {
    await using database = await testDatabase()
    await using known = await state(database)
    await database.query(readTo('0/2A0'))
    await renewSlot(known.db, { ...renewal, doubtedAtLsn: null })
    const { fingerprintSalt } = known
    expect(await known.store.load()).toMatchObject({
      lsn: 0x300n,
      timeline: 2,
      slotGapXid: 99n,
      epoch: 2,
      readLsn: 0x2a0n,
      fingerprintSalt,
    })
    expect(await backfillRuns(database)).toEqual([{ state: 'requested', reason: 'slot lost' }])
    expect(await rows(database)).toEqual(untouched)
  })

  test('in doubt invalidates all fingerprints and removals', async () => {
    await using database = await testDatabase()
    await using known = await state(database)
    await renewSlot(known.db, { ...renewal, doubtedAtLsn: lsn(0x400n) })
    const { fingerprintSalt, readLsn } = (await known.store.load()) ?? {}
    expect(fingerprintSalt).not.toEqual(known.fingerprintSalt)
    // What was sent with the slot is unknown: changes up to the end of the WAL are read again.
    expect(readLsn).toBe(0x400n)
    expect((await rows(database)).map(({ removed }) => removed)).toEqual(['f', 'f', 'f'])
  })
})

describe('a store that lacks writes', () => {
  test('is believed in nothing that it says of mediQuo: every fingerprint and removal is unknown, and every row is read', async () => {
    await using database = await testDatabase()
    await using known = await state(database)
    await database.query(readTo('0/2A0'))
    await distrustStore(known.db, { epoch: 1, lsn: lsn(0x300n), endLsn: lsn(0x400n), slotGapXid: xid(99n) })
    const found = await known.store.load()
    expect(found).toMatchObject({ ...identity, lsn: 0x300n, readLsn: 0x400n, slotGapXid: 99n, epoch: 2 })
    expect(found?.fingerprintSalt).not.toEqual(known.fingerprintSalt)
    expect((await rows(database)).map(({ code, removed }) => [code, removed])).toEqual([
      ['a', 'f'],
      ['b', 'f'],
      ['c', 'f'],
    ])
    expect(await backfillRuns(database)).toEqual([{ state: 'requested', reason: 'store went back' }])
    await expect(
      distrustStore(known.db, { epoch: 1, lsn: lsn(1n), endLsn: lsn(1n), slotGapXid: xid(1n) }),
    ).rejects.toThrow(expect.objectContaining({ kind: 'fenced' }))
  })
})

describe('an adopted identity', () => {
  test('keeps keys, codes and dead letters, and nothing of another server', async () => {
    await using database = await testDatabase()
    await using known = await state(database)
    await database.query(`update mediquo_cdc.checkpoint set horizon_lsn = '0/400', horizon_ordinal = 1`)
    await database.query(readTo('0/410'))
    expect(await adoptIdentity(known.db, renewal)).toEqual({ rows: 3 })
    const nothing = { horizon: null, readLsn: null }
    expect(await known.store.load()).toMatchObject({ lsn: 0x300n, ...nothing, slotGapXid: 99n, epoch: 2 })
    expect(await backfillRuns(database)).toEqual([{ state: 'requested', reason: 'identity changed' }])
    const unknown = { fingerprint: null, removed: 'f', lsn: null, xid: null }
    expect(await rows(database)).toEqual(['a', 'b', 'c'].map((code) => ({ code, ...unknown })))
    expect(await known.store.countDeadLetters()).toBe(1)
  })
})

describe('backfill runs over single rows', () => {
  const request = async ({ backfillRuns }: Store) => {
    await backfillRuns.request(null, [storedRowKey('["b"]')])
    await backfillRuns.requestRepair([patientCode('a')])
  }
  const replaced = [
    { state: 'replaced', reason: 'asked for' },
    { state: 'replaced', reason: 'found to differ' },
  ]

  test('end with an adopted identity: they name rows of another database', async () => {
    await using database = await testDatabase()
    await using known = await state(database)
    await request(known.store)
    await adoptIdentity(known.db, renewal)
    expect(await backfillRuns(database)).toEqual([...replaced, { state: 'requested', reason: 'identity changed' }])
  })

  test('end with an adopted key: they name rows by their old keys', async () => {
    await using database = await testDatabase()
    await using known = await state(database)
    await request(known.store)
    const key = [{ column: 'id', kind: 'integer' }]
    const tableSchema = {
      table: '1',
      publication: '1',
      isListed: true,
      identity: '1',
      key,
      columns: {},
      storage: {},
      xmin: '1',
    }
    await adoptKey(known.db, { epoch: 1, sourceTable: identity.sourceTable, tableSchema })
    expect(await backfillRuns(database)).toEqual([...replaced, { state: 'requested', reason: 'table altered' }])
  })
})

describe('owed rows', () => {
  const owe = (columns: string) =>
    `update mediquo_cdc.delivery set owed = 'end', next_code = 'x', owed_at = now(), ${columns}`
  const owedRows = (database: TestDatabase) =>
    database.query(`select owed, next_code, former_codes, lsn from mediquo_cdc.delivery where owed_at is not null`)
  const note = { owed: 'end', next_code: 'x', former_codes: '{o}' }

  test('are still owed after a renewal and in another database, where their positions mean nothing', async () => {
    await using database = await testDatabase()
    await using known = await state(database)
    await database.query(owe(`former_codes = '{o}' where code = 'b'`))
    await renewSlot(known.db, { ...renewal, doubtedAtLsn: lsn(0x400n) })
    expect(await owedRows(database)).toEqual([{ ...note, lsn: '0/1F4' }])
    await adoptIdentity(known.db, { ...renewal, epoch: 2 })
    expect(await owedRows(database)).toEqual([{ ...note, lsn: null }])
  })

  test('are still owed after a failover that lost their changes', async () => {
    await using database = await testDatabase()
    await using known = await state(database)
    await database.query(owe(`former_codes = '{o}' where code = 'b'`))
    await followFailover(known.db, { epoch: 1, timeline: 2, switchLsn: lsn(0x1f4n) })
    expect(await owedRows(database)).toEqual([{ ...note, lsn: null }])
  })
})

describe('a failover', () => {
  test('that lost nothing only moves to the new timeline', async () => {
    await using database = await testDatabase()
    await using known = await state(database)
    await database.query(`update mediquo_cdc.checkpoint set horizon_lsn = '0/1FF', horizon_ordinal = 1`)
    // A read that ended at the switch has seen nothing past it.
    await database.query(readTo('0/200'))
    const followed = await followFailover(known.db, { epoch: 1, timeline: 2, switchLsn: lsn(0x200n) })
    expect(followed.walWasLost).toBe(false)
    expect(await known.store.load()).toMatchObject({
      timeline: 2,
      lsn: 200n,
      epoch: 2,
      horizon: { commitLsn: 0x1ffn, ordinal: 1 },
      readLsn: 0x200n,
    })
    expect(await backfillRuns(database)).toEqual([])
    expect(await rows(database)).toEqual(untouched)
  })

  test('that lost settled changes removes their positions, and requests a backfill run', async () => {
    await using database = await testDatabase()
    await using known = await state(database)
    const followed = await followFailover(known.db, { epoch: 1, timeline: 2, switchLsn: lsn(0x1f5n) })
    expect(followed.walWasLost).toBe(true)
    expect(await backfillRuns(database)).toEqual([{ state: 'requested', reason: 'identity changed' }])
    expect((await rows(database)).map((row) => [row.lsn, row.xid])).toEqual([
      ['0/90', '11'],
      ['0/1F4', '12'],
      [null, null],
    ])
  })

  test('that lost changes possibly sent requests a backfill run, and waits for no position that never comes', async () => {
    await using database = await testDatabase()
    await using known = await state(database)
    await database.query(`update mediquo_cdc.checkpoint set horizon_lsn = '0/200', horizon_ordinal = 1`)
    const followed = await followFailover(known.db, { epoch: 1, timeline: 2, switchLsn: lsn(0x200n) })
    expect(followed.walWasLost).toBe(true)
    expect((await known.store.load())?.horizon?.commitLsn).toBe(0x1ffn)
    expect(await backfillRuns(database)).toEqual([{ state: 'requested', reason: 'identity changed' }])
  })

  test('that lost reads requests a backfill run, and reads no change again for a position that never comes', async () => {
    await using database = await testDatabase()
    await using known = await state(database)
    await database.query(readTo('0/201'))
    const followed = await followFailover(known.db, { epoch: 1, timeline: 2, switchLsn: lsn(0x200n) })
    expect(followed.walWasLost).toBe(true)
    expect(await known.store.load()).toMatchObject({ horizon: null, readLsn: 0x200n })
    expect(await backfillRuns(database)).toEqual([{ state: 'requested', reason: 'identity changed' }])
  })
})

test('the slower of two instances changes nothing, and an instance that still writes is fenced off', async () => {
  await using database = await testDatabase()
  await using known = await state(database)
  await renewSlot(known.db, { ...renewal, doubtedAtLsn: null })
  await expect(renewSlot(known.db, { ...renewal, lsn: lsn(0x999n), doubtedAtLsn: lsn(0x400n) })).rejects.toThrow(
    expect.objectContaining({ kind: 'fenced' }),
  )
  await expect(adoptIdentity(known.db, { ...renewal, lsn: lsn(0x999n) })).rejects.toThrow(
    expect.objectContaining({ kind: 'fenced' }),
  )
  await expect(followFailover(known.db, { epoch: 1, timeline: 9, switchLsn: lsn(1n) })).rejects.toThrow(
    expect.objectContaining({ kind: 'fenced' }),
  )
  expect(await known.store.load()).toMatchObject({ lsn: 0x300n, timeline: 2, epoch: 2 })
  expect(await rows(database)).toEqual(untouched)
  expect(await backfillRuns(database)).toHaveLength(1)
  const settlement = {
    rows: [],
    takenCodes: [],
    checkpointLsn: lsn(250n),
    horizon: null,
    readLsn: null,
    backfill: null,
    leaseMs: null,
    backfillRequest: null,
    recentRequests: [],
  }
  await expect(known.store.record(settlement)).rejects.toThrow(expect.objectContaining({ kind: 'fenced' }))
})
