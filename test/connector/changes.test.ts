import { describe, expect, test } from 'vitest'
import { createChangeMapper, SchemaChangedError, toContent } from '../../src/connector/changes.ts'
import type { Change, Relation } from '../../src/model/change.ts'
import { lsn } from '../../src/model/lsn.ts'
import { type Mapped, patientCode } from '../../src/model/patient.ts'
import { type ColumnValue, type Row, unchanged } from '../../src/model/row.ts'
import { xid } from '../../src/model/visibility.ts'

function relation(changes: Partial<Relation> = {}): Relation {
  const columns = ['id', 'code', 'name'].map((name) => ({ name, typeOid: 25, inIdentity: name === 'id' }))
  return { oid: 1, schema: 'public', table: 'patients', replicaIdentity: 'default', columns, ...changes }
}
const row = (values: Readonly<Record<string, ColumnValue>>): Row => new Map(Object.entries(values))
const text = (of: Row, column: string) => {
  const value = of.get(column)
  return typeof value === 'string' ? value : null
}

/** A mapping of two columns: a row without a name is incomplete. */
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

function contents(change: Change) {
  const map = createChangeMapper({ table: { schema: 'public', table: 'patients' }, keyColumns: ['id'], mapping })
  const position = { commitLsn: lsn(9n), ordinal: 1 }
  const changes = map({ change, position, xid: xid(5n), committedAtMs: 1, bytes: 10 })
  return changes.map(({ key, content }) => ({ key, content }))
}
const jane = row({ id: '1', code: 'a', name: 'Jane' })
const janesKey = row({ id: '1', code: null, name: null })
const patient = { code: 'a', first_name: 'Jane' }

describe('one change', () => {
  test('an insert and an update that keeps the key are one version', () => {
    const upsert = [{ key: '["1"]', content: { kind: 'patient', patient } }]
    expect(contents({ operation: 'insert', relation: relation(), row: jane })).toEqual(upsert)
    expect(contents({ operation: 'update', relation: relation(), row: jane, old: null })).toEqual(upsert)
    expect(contents({ operation: 'update', relation: relation(), row: jane, old: jane })).toEqual(upsert)
  })

  test('an update that changes the key removes the old row and brings the new', () => {
    const moved = row({ id: '2', code: 'a', name: 'Jane' })
    expect(contents({ operation: 'update', relation: relation(), row: moved, old: janesKey })).toEqual([
      { key: '["1"]', content: { kind: 'removed', code: null, patient: null } },
      { key: '["2"]', content: { kind: 'patient', patient } },
    ])
  })

  test('a value that did not come makes the version incomplete, never null', () => {
    const partial = row({ id: '1', code: 'a', name: unchanged })
    expect(contents({ operation: 'update', relation: relation(), row: partial, old: null })).toEqual([
      { key: '["1"]', content: { kind: 'incomplete' } },
    ])
  })
})

describe('a delete', () => {
  test('knows the patient only from a full old row: the nulls of a key are no values', () => {
    const removed = (change: Partial<Relation>, old: Row) =>
      contents({ operation: 'delete', relation: relation(change), old })[0]?.content
    expect(removed({ replicaIdentity: 'full' }, jane)).toEqual({ kind: 'removed', code: 'a', patient })
    expect(removed({}, janesKey)).toEqual({ kind: 'removed', code: null, patient: null })
    expect(removed({ replicaIdentity: 'index' }, jane)).toEqual({ kind: 'removed', code: 'a', patient: null })
  })
})

describe('the table', () => {
  test('another one of the same name in another schema is not ours', () => {
    expect(contents({ operation: 'insert', relation: relation({ schema: 'archive' }), row: jane })).toEqual([])
    expect(contents({ operation: 'insert', relation: relation({ table: 'visits', columns: [] }), row: jane })).toEqual(
      [],
    )
  })

  test('without a column that is mapped, nothing goes on', () => {
    const columns = relation().columns.filter(({ name }) => name !== 'name')
    const change: Change = { operation: 'insert', relation: relation({ columns }), row: jane }
    expect(() => contents(change)).toThrow(SchemaChangedError)
    expect(() => contents(change)).toThrow(/no longer publishes name/)
  })
})

test('a row that is left out counts as removed', () => {
  const code = patientCode('a')
  expect(toContent({ kind: 'left out', code })).toEqual({ kind: 'removed', code, patient: null })
})
