import { describe, expect, test } from 'vitest'
import { createDecoder, DecodeError, type PgoutputMessage, type PgoutputRelation } from '../../src/decode/pgoutput.ts'
import type { Change } from '../../src/model/change.ts'
import { unchanged } from '../../src/model/row.ts'

const relation: PgoutputRelation = {
  relationOid: 1,
  schema: 'public',
  name: 'patients',
  replicaIdentity: 'default',
  columns: [
    { name: 'code', flags: 1, typeOid: 25 },
    { name: 'note', flags: 0, typeOid: 25 },
  ],
}

function decodeChange(message: PgoutputMessage): Change {
  const event = createDecoder()(message, 100)
  if (event?.kind !== 'change') throw new Error('not a change')
  return event.change
}

describe('the values of a row', () => {
  test('an unchanged long value is neither NULL nor absent', () => {
    const change = decodeChange({
      tag: 'update',
      relation,
      key: null,
      old: null,
      new: { code: 'jane', note: undefined },
    })
    expect('row' in change && [...change.row]).toEqual([
      ['code', 'jane'],
      ['note', unchanged],
    ])
  })

  test('a row tells nothing of a column that its table does not have', () => {
    const change = decodeChange({ tag: 'insert', relation, new: { code: 'jane', note: null } })
    expect('row' in change && change.row.get('plan')).toBeUndefined()
  })

  test('NULL is null', () => {
    const change = decodeChange({ tag: 'insert', relation, new: { code: 'jane', note: null } })
    expect('row' in change && change.row.get('note')).toBeNull()
  })

  test.each([new Date(0), 1, true, { a: 1 }, Buffer.from('x')])(
    '%o is refused: it is not the server’s text',
    (value) => {
      expect(() => decodeChange({ tag: 'insert', relation, new: { code: 'jane', note: value } })).toThrow(DecodeError)
    },
  )
})

describe('what the replica identity sends', () => {
  test('a delete under the default identity is known by its key, and says nothing of the other columns', () => {
    const change = decodeChange({
      tag: 'delete',
      relation,
      key: { code: 'jane' },
      old: null,
    })
    expect('old' in change && change.old && [...change.old]).toEqual([['code', 'jane']])
  })

  test('a delete under the full identity carries the whole old row', () => {
    const change = decodeChange({ tag: 'delete', relation, key: null, old: { code: 'jane', note: null } })
    expect('old' in change && change.old?.get('note')).toBeNull()
  })

  test('an update without an old row left the key as it was', () => {
    const change = decodeChange({ tag: 'update', relation, key: null, old: null, new: { code: 'jane', note: 'x' } })
    expect('old' in change && change.old).toBeNull()
  })

  test('an update of the key carries the old one', () => {
    const change = decodeChange({
      tag: 'update',
      relation,
      key: { code: 'jane' },
      old: null,
      new: { code: 'janet', note: 'x' },
    })
    expect('old' in change && change.old?.get('code')).toBe('jane')
  })

  test('a delete that carries neither is refused', () => {
    expect(() => decodeChange({ tag: 'delete', relation, key: null, old: null })).toThrow(DecodeError)
  })
})

test('object ids are those of the catalogs, though the library reads the upper half of them as negative numbers', () => {
  const signed = 3_000_000_000 - 2 ** 32
  const columns = [{ name: 'code', flags: 1, typeOid: signed }]
  const { relation: described } = decodeChange({
    tag: 'insert',
    relation: { ...relation, relationOid: signed, columns },
    new: { code: 'jane' },
  })
  expect([described.oid, described.columns[0]?.typeOid]).toEqual([3_000_000_000, 3_000_000_000])
})
