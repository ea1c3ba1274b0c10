import { describe, expect, test } from 'vitest'
import { patientCode } from '../../../src/model/patient/patient.ts'
import type { StoredRow } from '../../../src/model/progress/stored-row.ts'
import { lsn } from '../../../src/model/source/lsn.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { begun, record, row } from './store-scene.ts'

const removed = (key: string, changes: Partial<StoredRow> = {}) =>
  row(key, {
    removed: true,
    fingerprint: null,
    position: { commitLsn: lsn(150n), ordinal: 0 },
    xid: xid(7n),
    ...changes,
  })
const seen = xid(8n)
const keysOf = async (database: TestDatabase) =>
  (
    await database.query(
      `select source_key ->> 0 as key from (select source_key::jsonb from mediquo_cdc.delivery) d order by 1`,
    )
  ).map(({ key }) => key)

describe('a row that is gone', () => {
  test('is forgotten once it was kept for long enough, and not if it came back in the meantime', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const { removedRows } = state.store
    await record(state.store, [row('alive'), removed('gone'), removed('back')])
    expect(await removedRows.step({ keepMs: 0, oldestXid: seen })).toEqual({ isLast: true, forgotten: 0 })
    await record(state.store, [row('back')])
    await record(state.store, [removed('back')])
    expect((await removedRows.step({ keepMs: 3_600_000, oldestXid: seen })).forgotten).toBe(0)
    await database.query(
      `update mediquo_cdc.delivery set removed_at = removed_at - interval '1 hour' where code = 'gone'`,
    )
    expect((await removedRows.step({ keepMs: 3_600_000, oldestXid: seen })).forgotten).toBe(1)
    expect(await keysOf(database)).toEqual(['alive', 'back'])
  })

  test.each<[string, StoredRow]>([
    ['is owed', removed('a', { owed: { reason: 'end', nextCode: null, delayMs: 0 } })],
    ['has a former code', removed('a', { formerCodes: [patientCode('b')] })],
    ['has a dead letter', removed('a', { deadLetter: { reason: 'invalid', attributes: [], status: null } })],
    ['was changed by a transaction that a read may not see', removed('a', { xid: xid(8n) })],
    ['lies past the checkpoint', removed('a', { position: { commitLsn: lsn(201n), ordinal: 0 } })],
    ['is not gone', row('a')],
  ])('is kept while it %s', async (_, kept) => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await record(state.store, [kept, removed('gone')])
    await state.store.removedRows.step({ keepMs: 0, oldestXid: seen })
    await state.store.removedRows.step({ keepMs: 0, oldestXid: seen })
    expect(await keysOf(database)).toEqual(['a'])
  })

  test('is found in a large table, and never forgotten by an instance that was replaced', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await database.query(`insert into mediquo_cdc.delivery (source_key, removed, lsn, removed_at)
      select '["' || n || '"]', n % 2 = 0, '0/1', now() - interval '1 day' from generate_series(1, 12000) n`)
    const policy = { keepMs: 3_600_000, oldestXid: seen }
    const first = await state.store.removedRows.step(policy)
    expect(first).toEqual({ isLast: false, forgotten: expect.any(Number) })
    await using other = await begun(database)
    expect((await state.store.removedRows.step(policy)).forgotten).toBe(0)
    let { forgotten } = first
    for (let isLast = false; !isLast; ) {
      const step = await other.store.removedRows.step(policy)
      forgotten += step.forgotten
      isLast = step.isLast
    }
    expect(forgotten).toBe(6_000)
  })
})
