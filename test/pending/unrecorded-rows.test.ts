import { expect, test } from 'vitest'
import { UnrecordedRows } from '../../src/pending/unrecorded-rows.ts'
import { code, delivered, key, patient } from './rows.ts'

const a = code('a')

test('a row holds its code until it has another one, is removed, or is stored', () => {
  const rows = new UnrecordedRows()
  const first = delivered('1', patient('a'))
  rows.set(first)
  expect([rows.isCodeOwnedByOther(a, key('2')), rows.isCodeOwnedByOther(a, key('1'))]).toEqual([true, false])
  rows.set(delivered('2', patient('a')))
  expect(rows.isCodeOwnedByOther(a, key('1'))).toBe(true)
  rows.set(delivered('2', patient('b')))
  expect(rows.isCodeOwnedByOther(a, key('1'))).toBe(false)
  rows.set(delivered('1', patient('a'), { removed: true }))
  expect(rows.isCodeOwnedByOther(a, key('2'))).toBe(false)
  rows.recorded(first)
  expect(rows.size).toBe(2)
  for (const row of rows.all()) rows.recorded(row)
  expect([rows.size, rows.isCodeOwnedByOther(code('b'), key('1'))]).toEqual([0, false])
})

test('an owed row also holds the code that it will have', () => {
  const rows = new UnrecordedRows()
  const owed = { reason: 'content', nextCode: code('b'), delayMs: 0 } as const
  rows.set(delivered('1', patient('a'), { owed }))
  rows.set(delivered('2', patient('a'), { owed: { ...owed, nextCode: a } }))
  expect([rows.isCodeOwnedByOther(a, key('3')), rows.isCodeOwnedByOther(code('b'), key('3'))]).toEqual([true, true])
  rows.set(delivered('1', patient('a'), { removed: true, owed }))
  expect([rows.isCodeOwnedByOther(a, key('2')), rows.isCodeOwnedByOther(code('b'), key('3'))]).toEqual([false, true])
  for (const row of rows.all()) rows.recorded(row)
  expect([rows.isCodeOwnedByOther(a, key('3')), rows.isCodeOwnedByOther(code('b'), key('3'))]).toEqual([false, false])
})

test('an owed row holds both its current and its next code', () => {
  const rows = new UnrecordedRows()
  rows.set(delivered('1', patient('a'), { owed: { reason: 'content', nextCode: code('b'), delayMs: 0 } }))
  expect([rows.isCodeOwnedByOther(a, key('2')), rows.isCodeOwnedByOther(code('b'), key('2'))]).toEqual([true, true])
  expect([rows.isCodeOwnedByOther(a, key('1')), rows.isCodeOwnedByOther(code('b'), key('1'))]).toEqual([false, false])
})
