import { describe, expect, test } from 'vitest'
import { type Mapped, patientCode } from '../../src/model/patient/patient.ts'
import type { Change, Relation } from '../../src/model/source/change.ts'
import { type Lsn, lsn } from '../../src/model/source/lsn.ts'
import { type ColumnValue, type Row, rowKey, unchanged } from '../../src/model/source/row.ts'
import { seesAll } from '../../src/model/source/visibility.ts'
import { versionBytes } from '../../src/pending/entry/version.ts'
import { createChangeMapper, mapRead } from '../../src/pipeline/row-mapping.ts'
import { SchemaChangedError } from '../../src/startup/schema/schema-change.ts'

function relation(changes: Partial<Relation> = {}): Relation {
  const columns = ['id', 'code', 'name'].map((name) => ({ name, typeOid: 25, inIdentity: name === 'id' }))
  return { oid: 1, schema: 'public', table: 'patients', replicaIdentity: 'default', columns, ...changes }
}
const row = (values: Readonly<Record<string, ColumnValue>>): Row => new Map(Object.entries(values))
const text = (of: Row, column: string) => {
  const value = of.get(column)
  return typeof value === 'string' ? value : null
}

/** Mapping of two columns. A row without a name is incomplete. */
const mapping = {
  columns: ['code', 'name'],
  map(of: Row): Mapped {
    const [code, name] = [text(of, 'code'), text(of, 'name')]
    if (code === null || name === null) return { kind: 'incomplete', columns: ['name'] }
    return { kind: 'patient', patient: { code: patientCode(code), first_name: name } }
  },
  codeOf(of: Row) {
    const code = text(of, 'code')
    return code === null ? null : patientCode(code)
  },
}

const table = {
  schema: 'public',
  table: 'patients',
  oid: 1,
  keyColumns: ['id'],
  types: new Map(['id', 'code', 'name'].map((column) => [column, 25])),
}

/** Maps a change at 0/9. */
function contents(change: Change, tolerated: Lsn | null = null) {
  const map = createChangeMapper({ table, mapping, tolerated })
  return map(change, lsn(9n), 10).map(({ key, content }) => ({ key, content }))
}
const jane = row({ id: '1', code: 'a', name: 'Jane' })
const janesKey = row({ id: '1', code: null, name: null })
const patient = { code: 'a', first_name: 'Jane' }

describe('one change', () => {
  test('gives one version for an insert, and for an update that keeps the key', () => {
    const upsert = [{ key: '["1"]', content: { kind: 'patient', patient } }]
    expect(contents({ operation: 'insert', relation: relation(), row: jane })).toEqual(upsert)
    expect(contents({ operation: 'update', relation: relation(), row: jane, old: null })).toEqual(upsert)
    expect(contents({ operation: 'update', relation: relation(), row: jane, old: jane })).toEqual(upsert)
  })

  test('removes the old row and brings the new one if an update changes the key', () => {
    const moved = row({ id: '2', code: 'a', name: 'Jane' })
    expect(contents({ operation: 'update', relation: relation(), row: moved, old: janesKey })).toEqual([
      { key: '["1"]', content: { kind: 'removed', code: null, patient: null } },
      { key: '["2"]', content: { kind: 'patient', patient } },
    ])
  })

  test('makes a version with a missing value incomplete, never null', () => {
    const partial = row({ id: '1', code: 'a', name: unchanged })
    expect(contents({ operation: 'update', relation: relation(), row: partial, old: null })).toEqual([
      { key: '["1"]', content: { kind: 'incomplete', code: 'a' } },
    ])
  })
})

describe('a delete', () => {
  test('uses the patient only from a full old row, because the nulls of a key are not values', () => {
    const removed = (change: Partial<Relation>, old: Row) =>
      contents({ operation: 'delete', relation: relation(change), old })[0]?.content
    expect(removed({ replicaIdentity: 'full' }, jane)).toEqual({ kind: 'removed', code: 'a', patient })
    expect(removed({}, janesKey)).toEqual({ kind: 'removed', code: null, patient: null })
    expect(removed({ replicaIdentity: 'index' }, jane)).toEqual({ kind: 'removed', code: 'a', patient: null })
  })
})

describe('the table', () => {
  const insert = (changes: Partial<Relation>): Change => ({
    operation: 'insert',
    relation: relation(changes),
    row: jane,
  })
  const whole = [{ key: '["1"]', content: { kind: 'patient', patient } }]

  test('is ignored if it is another one, whatever its columns', () => {
    expect(contents(insert({ oid: 2, schema: 'archive' }))).toEqual([])
    expect(contents(insert({ oid: 2, table: 'visits', columns: [] }))).toEqual([])
  })

  test('is identified by its object id, whatever its name was when the change was made', () => {
    expect(contents(insert({ schema: 'old', table: 'persons' }))).toEqual(whole)
  })

  test('may gain and lose columns that are not mapped', () => {
    const columns = [...relation().columns, { name: 'visits', typeOid: 23, inIdentity: false }]
    expect(contents(insert({ columns }))).toEqual(whole)
  })

  const columns = (change: (column: Relation['columns'][number]) => object | null) =>
    relation().columns.flatMap((column) => {
      const changed = change(column)
      return changed === null ? [] : [{ ...column, ...changed }]
    })
  const others = [
    { what: 'another table of its name', shape: { oid: 2 }, says: 'another table' },
    {
      what: 'a mapped column is missing',
      shape: { columns: columns(({ name }) => (name === 'name' ? null : {})) },
      says: 'does not publish name',
    },
    {
      what: 'a mapped column has another type',
      shape: { columns: columns(({ name }) => (name === 'name' ? { typeOid: 1082 } : {})) },
      says: 'another type of name',
    },
    {
      what: 'the key no longer identifies its rows',
      shape: { columns: columns(({ name }) => ({ inIdentity: name === 'code' })) },
      says: 'no longer identified by id',
    },
  ]

  test.each(others)('stops the mapping with an error: $what', ({ shape, says }) => {
    expect(() => contents(insert(shape))).toThrow(SchemaChangedError)
    expect(() => contents(insert(shape))).toThrow(says)
    expect(() => contents(insert(shape), lsn(8n))).toThrow(SchemaChangedError)
  })

  test.each(others)('has the row read for a change of the tolerated past: $what', ({ shape }) => {
    expect(contents(insert(shape), lsn(9n))).toEqual([{ key: '["1"]', content: { kind: 'incomplete', code: null } }])
  })

  test('has the rows of a key change and of a delete of the tolerated past read, as far as the change names them', () => {
    const former = relation({ oid: 2 })
    const moved = row({ id: '2', code: 'a', name: 'Jane' })
    const read = (id: string) => ({ key: `["${id}"]`, content: { kind: 'incomplete', code: null } })
    const update: Change = { operation: 'update', relation: former, row: moved, old: janesKey }
    expect(contents(update, lsn(9n))).toEqual([read('1'), read('2')])
    expect(contents({ operation: 'delete', relation: former, old: janesKey }, lsn(9n))).toEqual([read('1')])
    const keyless = row({ code: 'a' })
    expect(contents({ operation: 'delete', relation: former, old: keyless }, lsn(9n))).toEqual([])
  })
})

describe('memory', () => {
  const bytesOf = (change: Change) => createChangeMapper({ table, mapping, tolerated: null })(change, lsn(9n), 1_000)

  test('counts twice the bytes of a row’s text, and a fixed size for a row without values', () => {
    const [inserted] = bytesOf({ operation: 'insert', relation: relation(), row: jane })
    const [deleted] = bytesOf({ operation: 'delete', relation: relation(), old: janesKey })
    expect([inserted?.bytes, deleted?.bytes]).toEqual([versionBytes + 2_000, versionBytes])
  })
})

describe('a table read', () => {
  const leftOut = { ...mapping, map: (): Mapped => ({ kind: 'left out', code: patientCode('a') }) }
  const read = {
    snapshot: seesAll,
    snapshotText: '',
    endLsn: lsn(9n),
    containsLsn: null,
    rows: new Map([[rowKey(jane, ['id']), jane]]),
  }
  const times = { readAtMs: 1, tookMs: 2 }

  test('brings a row that is left out as removed', () => {
    const { rows } = mapRead(read, leftOut, times)
    expect([...rows.values()].map(({ content }) => content)).toEqual([{ kind: 'removed', code: 'a', patient: null }])
  })

  test('reports the size of its values, and where a page ends', () => {
    const key = rowKey(jane, ['id'])
    const weight = '1aJane'.length
    const byKey = mapRead(read, mapping, times)
    expect(byKey).toMatchObject({ page: null, valueBytes: weight, readAtMs: 1, tookMs: 2 })
    expect(byKey.rows.get(key)?.bytes).toBe(versionBytes + 2 * weight)
    const page = mapRead({ ...read, leftOut: [], last: key, isLast: true }, mapping, times)
    expect(page.page).toEqual({ leftOut: [], last: key, isLast: true })
  })
})
