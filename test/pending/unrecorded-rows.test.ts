import { expect, test } from 'vitest'
import { UnrecordedRows } from '../../src/pending/unrecorded-rows.ts'
import { code, delivered, key, patient } from './rows.ts'

const a = code('a')

test('a row holds its code until it has another, is removed, or is stored', () => {
  const rows = new UnrecordedRows()
  const first = delivered('1', patient('a'))
  rows.set(first)
  expect([rows.isHeld(a, key('2')), rows.isHeld(a, key('1'))]).toEqual([true, false])
  rows.set(delivered('2', patient('a')))
  expect(rows.isHeld(a, key('1'))).toBe(true)
  rows.set(delivered('2', patient('b')))
  expect(rows.isHeld(a, key('1'))).toBe(false)
  rows.set(delivered('1', patient('a'), { removed: true }))
  expect(rows.isHeld(a, key('2'))).toBe(false)
  rows.recorded(first)
  expect(rows.size).toBe(2)
  for (const row of rows.all()) rows.recorded(row)
  expect([rows.size, rows.isHeld(code('b'), key('1'))]).toEqual([0, false])
})
