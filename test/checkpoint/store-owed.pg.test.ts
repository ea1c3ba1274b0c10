import { describe, expect, test } from 'vitest'
import { FencedError } from '../../src/checkpoint/store.ts'
import { patientCode } from '../../src/model/patient.ts'
import type { Owed } from '../../src/model/stored-row.ts'
import { type TestDatabase, testDatabase } from '../support/postgres.ts'
import { begun, open, record, row } from './store-scene.ts'

const owed = (reason: Owed['reason'], changes: Partial<Owed> = {}): Owed => ({
  reason,
  nextCode: null,
  delayMs: 0,
  ...changes,
})
const codes = (...texts: string[]) => texts.map(patientCode)

/** The columns as they are in the table. */
const columns = (database: TestDatabase) =>
  database.query('select former_codes, owed, next_code, owed_at from mediquo_cdc.delivery order by source_key')

describe('a row that is owed', () => {
  test('comes back with its reason, its next code and its former codes, whatever is in them', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const rows = [
      row('a', { fingerprint: null, owed: owed('content', { nextCode: patientCode('next') }) }),
      row('b', { formerCodes: codes('plain', 'a,b', '{"q"}', 'back\\slash', 'line\nfeed', ' ', 'NULL', 'é') }),
      row('c', { fingerprint: null, formerCodes: codes('one'), owed: owed('end') }),
      row('d', { fingerprint: null, owed: owed('confirm') }),
    ]
    await record(state.store, rows)
    const found = await state.store.lookUp(rows.map(({ key }) => key))
    expect([...found.values()].sort((x, y) => (x.key < y.key ? -1 : 1))).toEqual(rows)
  })

  test('has no delay once it is loaded, and its time is kept by the clock of the server', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const stored = row('a', { fingerprint: null, owed: owed('confirm', { delayMs: 3_600_000 }) })
    await record(state.store, [stored])
    expect((await state.store.lookUp([stored.key])).get(stored.key)?.owed).toEqual(owed('confirm'))
    const inAnHour = `owed_at between now() + interval '59 minutes' and now() + interval '1 hour'`
    expect(await database.query(`select ${inAnHour} as due from mediquo_cdc.delivery`)).toEqual([{ due: 't' }])
  })

  test('owes nothing once it is settled, and nothing of it is left', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const note = owed('end', { nextCode: patientCode('next'), delayMs: 50 })
    await record(state.store, [row('a', { fingerprint: null, formerCodes: codes('old'), owed: note })])
    expect(await columns(database)).toMatchObject([{ former_codes: '{old}', owed: 'end', next_code: 'next' }])
    await record(state.store, [row('a')])
    expect(await columns(database)).toEqual([{ former_codes: null, owed: null, next_code: null, owed_at: null }])
  })

  test('is not stored by an instance that another has replaced', async () => {
    await using database = await testDatabase()
    await using older = await begun(database)
    await record(older.store, [row('a')])
    await using newer = open(database.url)
    await newer.store.takeOver()
    const changed = row('a', { fingerprint: null, formerCodes: codes('old'), owed: owed('content') })
    await expect(record(older.store, [changed])).rejects.toThrow(FencedError)
    expect(await newer.store.lookUp([changed.key])).toEqual(new Map([[changed.key, row('a')]]))
  })
})
