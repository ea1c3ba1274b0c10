import { expect, test } from 'vitest'
import type { StoredRow } from '../../src/model/progress/stored-row.ts'
import type { RowKey } from '../../src/model/source/row.ts'
import { Entry } from '../../src/pending/entry/entry.ts'
import { Records } from '../../src/pending/records.ts'
import { code, delivered, key, patient } from './rows.ts'

const [a, b] = [code('a'), code('b')]

/** Creates records, with a function that sets the record of a row. */
function scene() {
  const records = new Records()
  const entries = new Map<RowKey, Entry>()
  const entry = (name: string) => {
    const found = entries.get(key(name)) ?? new Entry(key(name))
    entries.set(found.key, found)
    return found
  }
  const set = (row: StoredRow) => {
    const of = entries.get(row.key) ?? new Entry(row.key)
    entries.set(row.key, of)
    records.store(of, row)
  }
  const stored = () => {
    for (const row of records.toRecord()) {
      records.recorded(row)
      entries.get(row.key)?.recorded(row)
    }
  }
  const isOwned = (of: typeof a, except: string) => records.isCodeOwnedUnrecorded(of, key(except))
  return { records, entry, set, stored, isOwned }
}

test('a row holds its code until it has another one, is removed, or is stored', () => {
  const { records, set, stored, isOwned } = scene()
  const first = delivered('1', patient('a'))
  set(first)
  expect([isOwned(a, '2'), isOwned(a, '1')]).toEqual([true, false])
  set(delivered('2', patient('a')))
  expect(isOwned(a, '1')).toBe(true)
  set(delivered('2', patient('b')))
  expect(isOwned(a, '1')).toBe(false)
  set(delivered('1', patient('a'), { removed: true }))
  expect(isOwned(a, '2')).toBe(false)
  records.recorded(first)
  expect(records.unrecorded).toBe(2)
  stored()
  expect([records.unrecorded, isOwned(b, '1')]).toEqual([0, false])
})

test('an owed row also holds the code that it will have', () => {
  const { set, stored, isOwned } = scene()
  const owed = { reason: 'content', nextCode: b, delayMs: 0 } as const
  set(delivered('1', patient('a'), { owed }))
  set(delivered('2', patient('a'), { owed: { ...owed, nextCode: a } }))
  expect([isOwned(a, '3'), isOwned(b, '3')]).toEqual([true, true])
  set(delivered('1', patient('a'), { removed: true, owed }))
  expect([isOwned(a, '2'), isOwned(b, '3')]).toEqual([false, true])
  stored()
  expect([isOwned(a, '3'), isOwned(b, '3')]).toEqual([false, false])
})

test('an owed row holds both its current and its next code', () => {
  const { set, isOwned } = scene()
  set(delivered('1', patient('a'), { owed: { reason: 'content', nextCode: b, delayMs: 0 } }))
  expect([isOwned(a, '2'), isOwned(b, '2')]).toEqual([true, true])
  expect([isOwned(a, '1'), isOwned(b, '1')]).toEqual([false, false])
})

test('rows share a code by their records, loaded or to be stored, as the present or a former one, until memory forgets them', () => {
  const { records, entry, set } = scene()
  const sharing = () => records.sharing(a, entry('1')).map((other) => other.key)
  records.load(entry('1'), delivered('1', patient('a')))
  expect(sharing()).toEqual([])
  records.load(entry('2'), delivered('2', patient('a')))
  records.load(entry('3'), null)
  set(delivered('4', patient('b'), { formerCodes: [a] }))
  set(delivered('5', patient('a'), { removed: true }))
  expect(sharing()).toEqual([key('2'), key('4')])
  records.forget(entry('2'))
  set(delivered('4', patient('b')))
  expect(sharing()).toEqual([])
})
