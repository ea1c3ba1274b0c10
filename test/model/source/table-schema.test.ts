import { expect, test } from 'vitest'
import {
  type ColumnSchema,
  compareTableSchemas,
  isSameKey,
  keyKind,
  type TableSchema,
  type TableStorage,
} from '../../../src/model/source/table-schema.ts'

const column = (type: string, more: Partial<ColumnSchema> = {}): ColumnSchema => ({
  type,
  labels: {},
  writtenBy: '700',
  ...more,
})
const storage: TableStorage = { attached: '', persistence: 'p', writtenBy: '700', file: '16384', toast: '16387' }
const tableSchema: TableSchema = {
  table: '16384',
  publication: '16400 740 16401 740 t',
  isListed: true,
  identity: 'd 1',
  key: [{ column: 'id', kind: 'integer' }],
  columns: { id: column('1 23'), name: column('2 25', { labels: { '20': '701' } }) },
  storage: { '16384': storage },
  xmin: '800',
}
const parted: TableSchema = {
  ...tableSchema,
  storage: { '1': { ...storage, attached: '1 710' }, '2': { ...storage, attached: '2 711', toast: '0' } },
}
const compared = (altered: Partial<TableSchema>, before = tableSchema) =>
  compareTableSchemas(before, { ...before, ...altered })
const withStorage = (altered: Partial<TableStorage>) => ({ storage: { '16384': { ...storage, ...altered } } })

test.each<[name: string, altered: Partial<TableSchema>]>([
  ['the same table schema', {}],
  ['a column that the mapping newly reads', { columns: { ...tableSchema.columns, email: column('3 25') } }],
  ['a column that it no longer reads', { columns: { id: column('1 23') } }],
  [
    'GRANT, SET STORAGE or a default',
    { columns: { ...tableSchema.columns, id: column('1 23', { writtenBy: '850' }) } },
  ],
  ['an added label', { columns: { name: column('2 25', { labels: { '20': '701', '21': '850' } }) } }],
  ['TRUNCATE or VACUUM FULL, which the stream tells or which changes nothing', withStorage({ file: '3' })],
  ['a rewrite for a column that is not read', withStorage({ file: '3', toast: '4' })],
  ['a TOAST table that was added', withStorage({ toast: '4' })],
])('%s is no alteration', (_, altered) => {
  expect(compared(altered)).toEqual({ alteration: null, doubts: [] })
})

test.each<[Partial<TableSchema>, RegExp]>([
  [{ table: '2' }, /another table/],
  [{ publication: '16400 740 16999 801 t' }, /publication/],
  [{ identity: 'f' }, /replica identity/],
  [{ columns: { id: column('1 20') } }, /column id/],
  [{ columns: { id: column('4 23'), name: column('2 1043') } }, /columns id, name/],
  [{ columns: { name: column('2 25', { labels: { '20': '850' } }) } }, /column name/],
  [withStorage({ persistence: 'u' }), /unlogged/],
])('%j is an alteration', (altered, says) => {
  expect(compared(altered).alteration ?? 'none').toMatch(says)
})

test('a partition that was detached, or attached again, is an alteration', () => {
  const { '1': first = storage, '2': second = storage } = parted.storage
  expect(compared({ storage: { '1': first } }, parted).alteration ?? 'none').toMatch(/detached/)
  const again = { ...second, attached: '2 850' }
  expect(compared({ storage: { '1': first, '2': again } }, parted).alteration ?? 'none').toMatch(/attached/)
})

test('rows tell whether a new partition came with rows, and whether a replaced file kept its rows', () => {
  const { '1': first = storage, '2': second = storage } = parted.storage
  expect(compared({ storage: { ...parted.storage, '3': storage } }, parted).doubts).toEqual([
    { table: '3', question: 'has rows' },
  ])
  expect(compared({ storage: { '1': first, '2': { ...second, file: '9' } } }, parted).doubts).toEqual([
    { table: '2', question: 'kept rows' },
  ])
  const rewritten = { columns: { id: column('1 23', { writtenBy: '850' }) }, ...withStorage({ file: '9', toast: '8' }) }
  expect(compared(rewritten).doubts).toEqual([{ table: '16384', question: 'kept rows' }])
  const unlisted = { ...tableSchema, isListed: false }
  expect(compared(withStorage({ file: '9', toast: '8' }), unlisted).doubts).toHaveLength(1)
  expect(compared(withStorage({ file: '9' }), unlisted).doubts).toEqual([])
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
