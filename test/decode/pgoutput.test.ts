import { describe, expect, test } from 'vitest'
import type { Columns } from '../../src/decode/described-relation.ts'
import { PgoutputDecoder } from '../../src/decode/pgoutput.ts'
import type { Change, WalEvent } from '../../src/model/source/change.ts'
import { unchanged } from '../../src/model/source/row.ts'
import { bytesOf, type Sending, type Sent, type SentColumn } from './pgoutput-bytes.ts'

const oid = 16_385
const codeAndNote: readonly SentColumn[] = [
  { name: 'code', inIdentity: true },
  { name: 'note', inIdentity: false },
]
const keyColumns: readonly SentColumn[] = [
  { name: 'code', inIdentity: true },
  { name: 'region', inIdentity: true },
]
const jane: Sent = { text: 'jane' }

/** Decodes messages in the order of the stream. @returns the event of the last one. */
function decode(messages: readonly Sending[], columns: Columns = 'all'): WalEvent | null {
  const decoder = new PgoutputDecoder(columns)
  return (
    messages
      .map(bytesOf)
      .map((bytes) => decoder.decode(bytes, 0, bytes.length))
      .at(-1) ?? null
  )
}

function decodeChange(message: Sending, columns: Columns = 'all'): Change {
  const event = decode([{ kind: 'relation', oid, columns: codeAndNote }, message], columns)
  if (event?.kind !== 'change') throw new Error('not a change')
  return event.change
}

function insert(...row: Sent[]): Sending {
  return { kind: 'insert', oid, row }
}

describe('the values of a row', () => {
  test('keep an unchanged long value apart from NULL and from a missing column', () => {
    const change = decodeChange({ kind: 'update', oid, before: null, row: [jane, 'unchanged'] })
    expect('row' in change && [...change.row]).toEqual([
      ['code', 'jane'],
      ['note', unchanged],
    ])
  })

  test.each([
    { before: { text: 'long' }, after: 'long' },
    // The old row of a partition under a root of full identity: its key, and a NULL in place of every other column.
    { before: null, after: unchanged },
    { before: 'unchanged' as const, after: unchanged },
  ])('take an unchanged long value from the old row, if that was sent: $after', ({ before, after }) => {
    const old = { letter: 'O' as const, row: [jane, before] }
    const change = decodeChange({ kind: 'update', oid, before: old, row: [jane, 'unchanged'] })
    expect('row' in change && change.row.get('note')).toBe(after)
  })

  test.each(['all' as const, new Set(['code', 'note'])])('take an unchanged key from the old key: %s', (decoded) => {
    const columns = [{ name: 'skipped', inIdentity: false }, { name: 'note', inIdentity: false }, ...keyColumns]
    const before = { letter: 'K' as const, row: [null, null, jane, { text: '7' }] }
    const update: Sending = { kind: 'update', oid, before, row: ['unchanged', 'unchanged', 'unchanged', { text: '8' }] }
    const event = decode([{ kind: 'relation', oid, columns }, update], decoded)
    const row = event?.kind === 'change' && 'row' in event.change && event.change.row
    expect(row && [row.get('code'), row.get('note')]).toEqual(['jane', unchanged])
  })

  test('leave out a column that the table does not have', () => {
    const change = decodeChange(insert(jane, null))
    expect('row' in change && change.row.get('plan')).toBeUndefined()
  })

  test('give null for NULL', () => {
    const change = decodeChange(insert(jane, null))
    expect('row' in change && change.row.get('note')).toBeNull()
  })

  test('are refused in binary format, which is not the server’s text', () => {
    expect(() => decodeChange(insert(jane, { binary: 'x' }))).toThrow(
      expect.objectContaining({ kind: 'stream not understood' }),
    )
  })

  test('are unchanged, short or long, ASCII or not, whatever their number', () => {
    const texts = ['', 'a', 'ñ', 'a'.repeat(64), 'b'.repeat(65), 'ñ'.repeat(300), '\u007f', '\u0080', '😀', 'end']
    const values = Array.from({ length: 10 }, () => texts).flat()
    const columns = values.map((_, index) => ({ name: `c${index}`, inIdentity: index === 0 }))
    const event = decode([{ kind: 'relation', oid, columns }, insert(...values.map((text) => ({ text })))])
    expect(event?.kind === 'change' && 'row' in event.change && [...event.change.row.values()]).toEqual(values)
  })

  test('keep a U+FEFF at the start', () => {
    const change = decodeChange(insert({ text: '\ufeffjane' }, null))
    expect('row' in change && change.row.get('code')).toBe('\ufeffjane')
  })
})

describe('a column that is not decoded', () => {
  const code: Columns = new Set(['code'])

  test.each<Sent>([{ text: 'long' }, { binary: 'long' }, 'unchanged', null])('is absent from the row: %o', (note) => {
    const change = decodeChange(insert(jane, note), code)
    expect('row' in change && [...change.row]).toEqual([['code', 'jane']])
    expect('row' in change && change.row.get('note')).toBeUndefined()
  })

  test('is absent from the old row', () => {
    const change = decodeChange({ kind: 'delete', oid, letter: 'O', row: [jane, { text: 'long' }] }, code)
    expect('old' in change && change.old && [...change.old]).toEqual([['code', 'jane']])
  })

  test('does not count in the memory of the change', () => {
    const size = (note: string) => {
      const event = decode([{ kind: 'relation', oid, columns: codeAndNote }, insert(jane, { text: note })], code)
      return event?.kind === 'change' ? event.bytes : Number.NaN
    }
    expect(size('long'.repeat(1000))).toBe(size(''))
  })

  test('must be in the message', () => {
    expect(() => decodeChange(insert(jane), code)).toThrow(expect.objectContaining({ kind: 'stream not understood' }))
  })

  test('is described', () => {
    const { relation } = decodeChange(insert(jane, null), code)
    expect(relation.columns.map(({ name }) => name)).toEqual(['code', 'note'])
  })
})

test('uses the new columns of a table after a second description', () => {
  const swapped = codeAndNote.toReversed()
  const row = insert(jane, { text: 'x' })
  const event = decode(
    [{ kind: 'relation', oid, columns: codeAndNote }, row, { kind: 'relation', oid, columns: swapped }, row],
    new Set(['code']),
  )
  expect(event?.kind === 'change' && 'row' in event.change && [...event.change.row]).toEqual([['code', 'x']])
})

describe('the columns of the replica identity', () => {
  test('are only the key for a delete under the default identity', () => {
    const change = decodeChange({ kind: 'delete', oid, letter: 'K', row: [jane, null] })
    expect('old' in change && change.old && [...change.old]).toEqual([['code', 'jane']])
  })

  test('are the whole old row for a delete under the full identity', () => {
    const change = decodeChange({ kind: 'delete', oid, letter: 'O', row: [jane, null] })
    expect('old' in change && change.old?.get('note')).toBeNull()
  })

  test('are unchanged for an update without an old row', () => {
    const change = decodeChange({ kind: 'update', oid, before: null, row: [jane, { text: 'x' }] })
    expect('old' in change && change.old).toBeNull()
  })

  test('are the old key for an update of the key', () => {
    const before = { letter: 'K' as const, row: [jane, null] }
    const change = decodeChange({ kind: 'update', oid, before, row: [{ text: 'janet' }, { text: 'x' }] })
    expect('old' in change && change.old && [...change.old]).toEqual([['code', 'jane']])
  })
})

test('reads object ids in the upper half of their range as the catalogs show them', () => {
  const columns = [{ name: 'code', inIdentity: true, typeOid: 3_000_000_000 }]
  const event = decode([
    { kind: 'relation', oid: 3_000_000_001, columns },
    { kind: 'insert', oid: 3_000_000_001, row: [jane] },
  ])
  const relation = event?.kind === 'change' ? event.change.relation : null
  expect([relation?.oid, relation?.columns[0]?.typeOid]).toEqual([3_000_000_001, 3_000_000_000])
})

test('gives a transaction its position, its id and its time', () => {
  const committedAtUs = 841_000_000_123_456n
  const lsn = 0xffff_ffff_0000_0001n
  expect(decode([{ kind: 'begin', lsn, committedAtUs, xid: 3_000_000_000 }])).toEqual({
    kind: 'begin',
    commitLsn: lsn,
    xid: 3_000_000_000,
    committedAtMs: 946_684_800_000 + 841_000_000_123,
  })
  expect(decode([{ kind: 'commit', lsn, committedAtUs }])).toEqual({ kind: 'commit', commitEndLsn: lsn })
})

test('names the tables of a truncate', () => {
  const event = decode([
    { kind: 'relation', oid, columns: codeAndNote },
    { kind: 'truncate', oids: [oid] },
  ])
  expect(event?.kind === 'truncate' && event.relations.map(({ table }) => table)).toEqual(['patients'])
})

test.each(['M', 'O', 'Y'])('ignores a message %s, which has no rows', (letter) => {
  const bytes = Buffer.from(`${letter}anything`)
  expect(new PgoutputDecoder('all').decode(bytes, 0, bytes.length)).toBeNull()
})
