import { expect, test } from 'vitest'
import { alterationOf, isSameKey, keyKind, type TableSchema } from '../../../src/model/source/table-schema.ts'

const tableSchema: TableSchema = {
  table: '16384',
  publication: '16400 740 16401 740 t',
  identity: 'd 16390 1',
  key: [{ column: 'id', kind: 'integer' }],
  columns: { id: '1 23', name: '2 25' },
  partitions: '',
}

test('the same table schema is no alteration, nor is a column that the mapping newly reads or no longer reads', () => {
  expect(alterationOf(tableSchema, { ...tableSchema })).toBeNull()
  expect(alterationOf(tableSchema, { ...tableSchema, columns: { ...tableSchema.columns, email: '3 25' } })).toBeNull()
  expect(alterationOf(tableSchema, { ...tableSchema, columns: { id: '1 23' } })).toBeNull()
})

test.each<[Partial<TableSchema>, RegExp]>([
  [{ table: '2' }, /another table/],
  [{ publication: '16400 740 16999 801 t' }, /publication/],
  [{ identity: 'f' }, /replica identity/],
  [{ columns: { id: '1 20', name: '2 25' } }, /column id/],
  [{ columns: { id: '4 23', name: '2 1043' } }, /columns id, name/],
  [{ partitions: 'b' }, /partitions/],
])('%j is an alteration', (altered, says) => {
  expect(alterationOf(tableSchema, { ...tableSchema, ...altered })).toMatch(says)
})

test('a key differs if its columns, their order, or the kind of their text differ', () => {
  const key = (...columns: [string, string][]) => columns.map(([column, type]) => ({ column, kind: keyKind(type) }))
  const two = key(['a', 'integer'], ['b', 'text'])
  expect(isSameKey(two, key(['a', 'bigint'], ['b', 'character varying']))).toBe(true)
  expect(isSameKey(two, key(['b', 'text'], ['a', 'integer']))).toBe(false)
  expect(isSameKey(two, key(['a', 'integer']))).toBe(false)
  expect(isSameKey(key(['a', 'integer']), two)).toBe(false)
  expect(isSameKey(two, key(['renamed', 'integer'], ['b', 'text']))).toBe(false)
  expect(isSameKey(two, key(['a', 'numeric'], ['b', 'text']))).toBe(false)
  expect(isSameKey(two, key(['a', 'integer'], ['b', 'bpchar']))).toBe(false)
})

test.each([
  ['integer', ['smallint', 'integer', 'bigint']],
  ['text', ['text', 'character varying', 'name']],
  ['numeric', ['numeric']],
  ['character', ['character']],
])('the kind %s is stored under that name, for %j: values of these types have the same text', (kind, types) => {
  expect(types.map(keyKind)).toEqual(types.map(() => kind))
})
