import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { recordStatement } from '../../../src/checkpoint/store/record-statement.ts'
import { patientCode } from '../../../src/model/patient/patient.ts'
import { type Owed, owedReasons } from '../../../src/model/progress/stored-row.ts'
import { lsn } from '../../../src/model/source/lsn.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { begun, open, record, row, settlement } from './store-scene.ts'

const owed = (reason: Owed['reason'], changes: Partial<Owed> = {}): Owed => ({
  reason,
  nextCode: null,
  delayMs: 0,
  ...changes,
})
const codes = (...texts: string[]) => texts.map(patientCode)

/** Returns the columns as they are in the table. */
const columns = (database: TestDatabase) =>
  database.query('select former_codes, owed, next_code, owed_at from mediquo_cdc.delivery order by source_key')

describe('an owed row', () => {
  test('is loaded with its reason, its next code and its former codes, whatever characters they contain', async () => {
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

  test('has no delay once it is loaded, and is due by the clock of the server', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const stored = row('a', { fingerprint: null, owed: owed('confirm', { delayMs: 3_600_000 }) })
    await record(state.store, [stored])
    expect((await state.store.lookUp([stored.key])).get(stored.key)?.owed).toEqual(owed('confirm'))
    const inAnHour = `owed_at between now() + interval '59 minutes' and now() + interval '1 hour'`
    expect(await database.query(`select ${inAnHour} as due from mediquo_cdc.delivery`)).toEqual([{ due: 't' }])
  })

  test('is no longer owed once it is settled', async () => {
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
    await newer.store.takeOver(await newer.store.load())
    const changed = row('a', { fingerprint: null, formerCodes: codes('old'), owed: owed('content') })
    await expect(record(older.store, [changed])).rejects.toThrow(expect.objectContaining({ kind: 'fenced' }))
    expect(await newer.store.lookUp([changed.key])).toEqual(new Map([[changed.key, row('a')]]))
  })
})

describe('the owed rows', () => {
  const any = { reasons: owedReasons, beforeLsn: null, limit: 10 }
  const owes = (key: string, reason: Owed['reason'] = 'content', delayMs = 0) =>
    row(key, { fingerprint: null, owed: owed(reason, { delayMs }) })
  const keys = (...names: string[]) => names.map((name) => row(name).key)

  test('are listed by reason', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const rows = [owes('a', 'content', -3), owes('b', 'end', -2), owes('c', 'confirm', -1), row('d')]
    await record(state.store, rows)
    expect(await state.store.owedRows(any)).toEqual({ keys: keys('a', 'b', 'c'), nextInMs: null })
    expect(await state.store.owedRows({ ...any, reasons: ['confirm', 'content'] })).toMatchObject({
      keys: keys('a', 'c'),
    })
    expect((await state.store.owedRows({ ...any, reasons: [] })).keys).toEqual([])
  })

  test('are listed with the longest due first, up to the limit', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await record(state.store, [owes('a', 'content', -1_000), owes('b', 'end', -3_000), owes('c', 'content', -2_000)])
    expect((await state.store.owedRows(any)).keys).toEqual(keys('b', 'c', 'a'))
    expect((await state.store.owedRows({ ...any, limit: 2 })).keys).toEqual(keys('b', 'c'))
  })

  test('are not due before their delay is over, and the time of the next one is returned', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await record(state.store, [owes('a', 'end', -1), owes('b', 'end', 7_200_000), owes('c', 'confirm', 3_600_000)])
    const found = await state.store.owedRows(any)
    expect(found.keys).toEqual(keys('a'))
    expect([found.nextInMs, (await state.store.owedRows({ ...any, reasons: ['end'] })).nextInMs]).toEqual([
      expect.toSatisfy((ms: number) => ms > 3_500_000 && ms <= 3_600_000),
      expect.toSatisfy((ms: number) => ms > 7_100_000 && ms <= 7_200_000),
    ])
    expect((await state.store.owedRows({ ...any, reasons: ['content'] })).nextInMs).toBeNull()
  })

  test('are those before a given position, or without a position', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const at = (bytes: bigint) => ({ position: { commitLsn: lsn(bytes), ordinal: 1 } })
    const rows = [
      { ...owes('a', 'end', -4), ...at(0x1_0000_00ffn) },
      { ...owes('b', 'end', -3), ...at(0x1_0000_0100n) },
      { ...owes('c', 'end', -2), position: null, xid: null },
      { ...owes('d', 'end', 3_600_000), ...at(0x1_0000_0200n) },
    ]
    await record(state.store, rows)
    const found = await state.store.owedRows({ ...any, beforeLsn: lsn(0x1_0000_0100n) })
    expect(found.keys).toEqual(keys('a', 'c'))
    // A row that is not due yet counts at any position.
    expect(found.nextInMs).not.toBeNull()
    expect((await state.store.owedRows({ ...any, beforeLsn: null })).keys).toEqual(keys('a', 'b', 'c'))
  })

  test('are found with their index, and so is the time of the next one, without reading the others', async () => {
    await using database = await testDatabase()
    {
      await using state = await begun(database)
      await database.query(`insert into mediquo_cdc.delivery (source_key, code, owed, owed_at)
        select n, n, case when n <= 1000 then 'end' end, case when n <= 1000 then now() + (n - 1) * interval '1 hour' end
        from generate_series(1, 5000) n`)
      await database.query('analyze mediquo_cdc.delivery')
      expect((await state.store.owedRows(any)).keys).toEqual(['1'])
    }
    // The server counts the reads when the session has ended.
    const read = `select idx_tup_read from pg_stat_user_indexes where indexrelname = 'delivery_owed_at_idx'`
    const rows = async () => Number((await database.query(read))[0]?.idx_tup_read)
    await until(async () => (await rows()) > 0)
    expect(await rows()).toBe(2)
  })
})

describe('rule 12a: the write that takes a code from a row', () => {
  const taken = (...of: string[]) => ({ takenCodes: { codes: codes(...of), inDoubt: [], accepted: [] } })
  const again = { fingerprint: null, owed: owed('content') }

  test('makes every other row with the code owed, as the present or a former one, and returns their keys', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const x = patientCode('x')
    const sharing = [row('a', { code: x }), row('b', { formerCodes: codes('y', 'x') }), row('c', { code: x })]
    const others = [row('d'), row('e', { code: x, removed: true }), row('f', { formerCodes: codes('y') })]
    await record(state.store, [...sharing, ...others])
    const moved = row('c', { code: patientCode('z'), fingerprint: null })
    const found = await state.store.record(settlement([moved], taken('x')))
    expect(found.toSorted()).toEqual([row('a').key, row('b').key])
    const { rows: stored } = await state.store.loadRecords([...sharing, ...others].map(({ key }) => key))
    const [a, b] = sharing
    expect([...stored.values()].sort((one, other) => (one.key < other.key ? -1 : 1))).toEqual([
      { ...a, ...again },
      { ...b, ...again },
      moved,
      ...others,
    ])
    const due = await state.store.owedRows({ reasons: ['content'], beforeLsn: null, limit: 9 })
    expect(due.keys.toSorted()).toEqual([row('a').key, row('b').key])
  })

  test('leaves the rows that it contains as they are, and keeps why and when a row was owed before', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    const x = patientCode('x')
    const confirm = row('a', { code: x, fingerprint: null, owed: owed('confirm', { delayMs: 3_600_000 }) })
    await record(state.store, [confirm, row('b', { code: x })])
    const accepted = row('b', { code: x })
    expect(await state.store.record(settlement([accepted, row('c')], taken('x')))).toEqual([confirm.key])
    const { rows: stored } = await state.store.loadRecords([confirm.key, accepted.key])
    expect(stored.get(confirm.key)?.owed).toEqual(owed('confirm'))
    expect((await state.store.owedRows({ reasons: ['confirm'], beforeLsn: null, limit: 9 })).keys).toEqual([])
    expect(stored.get(accepted.key)?.owed).toBeNull()
  })

  test('changes nothing if another instance has taken over', async () => {
    await using database = await testDatabase()
    await using older = await begun(database)
    await record(older.store, [row('a')])
    await using newer = open(database.url)
    await newer.store.takeOver(await newer.store.load())
    await expect(older.store.record(settlement([row('b')], taken('a')))).rejects.toThrow(/taken over/)
    expect(await newer.store.lookUp([row('a').key])).toEqual(new Map([[row('a').key, row('a')]]))
  })

  test('finds the rows by indexes', async () => {
    await using database = await testDatabase()
    await using state = await begun(database)
    await database.query(`insert into mediquo_cdc.delivery (source_key, code, fingerprint)
      select '["' || n || '"]', 'c' || n, '\\x00' from generate_series(1, 20000) n`)
    await database.query('analyze mediquo_cdc.delivery')
    const own = { epoch: 1, writer: randomUUID(), confirmed: 1, begun: 2 }
    const write = settlement([row('a')], taken('c1', 'c2', 'c3'))
    const { rows } = await state.db.execute(sql`explain ${recordStatement(own, write)}`)
    const plan = rows.map((line) => Object.values(line).join()).join('\n')
    expect(plan).toContain('delivery_former_codes_idx')
    expect(plan).not.toContain('Seq Scan on delivery')
    expect(await state.store.record(write)).toHaveLength(3)
  })
})
