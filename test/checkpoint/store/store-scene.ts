import type { Settlement } from '../../../src/checkpoint/store/record-statement.ts'
import { migrateState, openStateDatabase } from '../../../src/checkpoint/store/state-database.ts'
import { Store } from '../../../src/checkpoint/store/store.ts'
import { patientCode } from '../../../src/model/patient/patient.ts'
import type { StoredRow } from '../../../src/model/progress/stored-row.ts'
import { lsn } from '../../../src/model/source/lsn.ts'
import { storedRowKey } from '../../../src/model/source/row.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import type { TestDatabase } from '../../support/postgres.ts'

/** Source that the first checkpoint belongs to. */
export const identity = {
  slot: 's',
  publication: 'p',
  sourceTable: 'public.patients',
  systemIdentifier: '7',
  timeline: 1,
  databaseOid: '5',
}

/** Opens the checkpoint store in the database at this URL. */
export function open(url: string, schema = 'mediquo_cdc') {
  const state = openStateDatabase({
    connection: { connectionString: url },
    schema,
    applicationName: 'test',
    onConnectionError: () => undefined,
  })
  return { ...state, store: new Store(state.db), [Symbol.asyncDispose]: () => state.close() }
}

/** Creates a checkpoint store with its first checkpoint, at 100, which this instance may write. */
export async function begun(database: TestDatabase) {
  const state = open(database.url)
  await migrateState(state.db, 'mediquo_cdc')
  await state.store.begin(identity, { lsn: lsn(100n), slotGapXid: null }, null)
  await state.store.takeOver(await state.store.load())
  return state
}

/** Creates the row record of a delivered row. */
export const row = (key: string, changes: Partial<StoredRow> = {}): StoredRow => ({
  key: storedRowKey(JSON.stringify([key])),
  code: patientCode(key),
  fingerprint: '00112233445566778899aabbccddeeff',
  removed: false,
  position: { commitLsn: lsn(0xa_0000_0001n), ordinal: 7 },
  xid: xid(5_000_000_000n),
  deadLetter: null,
  formerCodes: [],
  unacceptedCodes: [],
  owed: null,
  ...changes,
})

/** Creates a write of these row records and of a checkpoint at 200. */
export const settlement = (rows: readonly StoredRow[], changes: Partial<Settlement> = {}): Settlement => ({
  rows,
  takenCodes: { codes: [], inDoubt: [], accepted: [] },
  checkpointLsn: lsn(200n),
  horizon: null,
  readLsn: null,
  backfill: null,
  leaseMs: null,
  backfillRequest: null,
  recentRequests: [[1_700_000_000, 'put', 3]],
  ...changes,
})

/** Stores these row records and a checkpoint at 200. */
export const record = (store: Store, rows: StoredRow[], changes: Partial<Settlement> = {}) =>
  store.record(settlement(rows, changes))
