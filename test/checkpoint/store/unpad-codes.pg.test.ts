import { expect, test } from 'vitest'
import { patientCode } from '../../../src/model/patient/patient.ts'
import { testDatabase } from '../../support/postgres.ts'
import { begun, open, record, row } from './store-scene.ts'

const padded = (code: string) => patientCode(code.padEnd(8))
const refused = { reason: 'refused by the API', attributes: [], status: 422 } as const

test('the padding of character(n) is taken off every code that a store has, once', async () => {
  await using database = await testDatabase()
  await using state = await begun(database)
  const { store } = state
  await record(store, [
    row('1', { code: padded('a') }),
    row('2', { code: patientCode('b'), formerCodes: [padded('b'), padded('x'), patientCode('x')] }),
    row('3', { code: padded('c'), removed: true, formerCodes: [padded('c')] }),
    row('4', { code: null, owed: { reason: 'content', nextCode: padded('d'), delayMs: 0 } }),
    row('5', { code: padded('e'), deadLetter: refused }),
    row('6', { code: patientCode(' f') }),
  ])
  expect(await store.unpadCodes()).toBe(5)
  const rows = await database.query(
    `select concat_ws('|', code, removed, next_code, former_codes, fingerprint is not null) as record
     from mediquo_cdc.delivery order by source_key`,
  )
  expect(rows.map(({ record: found }) => found)).toEqual([
    'a|f|t',
    'b|f|{x}|t',
    'c|t|{c}|t',
    'f|d|t',
    'e|f|t',
    ' f|f|t',
  ])
  expect(await database.query('select code from mediquo_cdc.dead_letter')).toEqual([{ code: 'e' }])
  expect(await store.unpadCodes()).toBe(0)
})

test('it is taken off more rows than one statement looks at', async () => {
  await using database = await testDatabase()
  await using state = await begun(database)
  await database.query(`insert into mediquo_cdc.delivery (source_key, code)
    select '["' || n || '"]', rpad('p' || n, 10) from generate_series(1, 12000) n`)
  expect(await state.store.unpadCodes()).toBe(12_000)
  expect(await database.query(`select from mediquo_cdc.delivery where code like '% '`)).toEqual([])
})

test('an instance that was replaced takes nothing off', async () => {
  await using database = await testDatabase()
  await using first = await begun(database)
  await record(first.store, [row('1', { code: padded('a') })])
  await using second = open(database.url)
  await second.store.takeOver(await second.store.load())
  expect(await first.store.unpadCodes()).toBe(0)
  expect(await second.store.unpadCodes()).toBe(1)
})
