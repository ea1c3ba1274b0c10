import type { Failover } from '../../../src/checkpoint/store/identity/follow-failover.ts'
import { migrateState, openStateDatabase } from '../../../src/checkpoint/store/state-database.ts'
import { Store } from '../../../src/checkpoint/store/store.ts'
import { lsn } from '../../../src/model/source/lsn.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import type { TestDatabase } from '../../support/postgres.ts'
import { identity } from './store-scene.ts'

export { identity } from './store-scene.ts'

const letters = `insert into mediquo_cdc.dead_letter (source_key, code, reason, attributes) values ('["b"]', 'b', 'invalid', '[]')`

/** Creates a checkpoint store at 0/C8 in its first epoch: a delivered row, a removed one, and a rejected one. */
export async function state(database: TestDatabase) {
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

/** Row records, as far as an identity or a fail-over changes them. */
export const rows = (database: TestDatabase) =>
  database.query('select code, fingerprint, removed, lsn, xid from mediquo_cdc.delivery order by code')
/** Row records as `state` creates them. */
export const untouched = [
  { code: 'a', fingerprint: '\\x00', removed: 'f', lsn: '0/90', xid: '11' },
  { code: 'b', fingerprint: null, removed: 'f', lsn: '0/1F4', xid: '12' },
  { code: 'c', fingerprint: null, removed: 't', lsn: '0/1F5', xid: '13' },
]
/** Statement that sets R. */
export const readTo = (position: string) => `update mediquo_cdc.checkpoint set read_lsn = '${position}'`
export const backfillRuns = (database: TestDatabase) =>
  database.query('select state, reason from mediquo_cdc.backfill order by id')

/** Fail-over to timeline 2 at a position, whose server has come to 0/500 and to transaction 98. The store is elsewhere, and complete. */
export const failover = (switchLsn: bigint, changes: Partial<Failover> = {}): Failover => ({
  epoch: 1,
  server: { timeline: 2, currentLsn: lsn(0x500n), snapshotXmax: xid(99n) },
  switchLsn: lsn(switchLsn),
  slotLsn: lsn(0x64n),
  store: { sharesWal: false, isComplete: true },
  ...changes,
})
