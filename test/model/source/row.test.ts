import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ColumnValue, keyValues, rowKey, unchanged } from '../../../src/model/source/row.ts'

const columns = ['clinic', 'number']
const row = (clinic: ColumnValue, number: ColumnValue) =>
  new Map<string, ColumnValue>([
    ['number', number],
    ['name', 'Jane'],
    ['clinic', clinic],
  ])

test('a row is identified only by its key columns, in the order of the key', () => {
  expect(rowKey(row('north', '7'), columns)).toBe('["north","7"]')
  expect(rowKey(row('north', '7'), ['number'])).toBe('["7"]')
})

test('a key gives back its values, whatever they are, and other values give another key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.string(), (clinic, number, other) => {
      const key = rowKey(row(clinic, number), columns)
      expect(keyValues(key)).toEqual([clinic, number])
      expect(rowKey(row(clinic, other), columns) === key).toBe(other === number)
    }),
  )
})

test.each([
  ['null', row('north', null)],
  ['not there', new Map([['clinic', 'north']])],
  ['an unchanged value that did not come', row('north', unchanged)],
])('a missing key column is an error that names it: %s', (_, without) => {
  const asked = () => rowKey(without, columns)
  expect(asked).toThrow('the key column "number" did not come with the change')
  expect(asked).toThrow(expect.objectContaining({ kind: 'key column missing' }))
})
