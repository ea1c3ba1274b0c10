import { describe, expect, test } from 'vitest'
import { followFailover } from '../../../src/checkpoint/store/identity/follow-failover.ts'
import { adoptIdentity, distrustStore, renewSlot } from '../../../src/checkpoint/store/slot-renewal.ts'
import type { Store } from '../../../src/checkpoint/store/store.ts'
import { adoptKey } from '../../../src/checkpoint/store/table-schema.ts'
import { patientCode } from '../../../src/model/patient/patient.ts'
import { lsn } from '../../../src/model/source/lsn.ts'
import { storedRowKey } from '../../../src/model/source/row.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { backfillRuns, failover, identity, readTo, rows, state, untouched } from './renewal-scene.ts'

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
  await expect(followFailover(known.db, failover(1n))).rejects.toThrow(expect.objectContaining({ kind: 'fenced' }))
  expect(await known.store.load()).toMatchObject({ lsn: 0x300n, timeline: 2, epoch: 2 })
  expect(await rows(database)).toEqual(untouched)
  expect(await backfillRuns(database)).toHaveLength(1)
  const settlement = {
    rows: [],
    takenCodes: { codes: [], inDoubt: [], accepted: [] },
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
