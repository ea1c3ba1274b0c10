import { describe, expect, test } from 'vitest'
import { DecodeError } from '../../src/decode/decode-error.ts'
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
const jane: Sent = { text: 'jane' }

/** Decodes messages in the order of the stream. @returns the last one's event. */
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
  test('an unchanged long value is neither NULL nor absent', () => {
    const change = decodeChange({ kind: 'update', oid, before: null, row: [jane, 'unchanged'] })
    expect('row' in change && [...change.row]).toEqual([
      ['code', 'jane'],
      ['note', unchanged],
    ])
  })

  test.each([
    { before: { text: 'long' }, after: 'long' },
    { before: null, after: null },
    { before: 'unchanged' as const, after: unchanged },
  ])('an unchanged long value is the one of the old row, if that came: $after', ({ before, after }) => {
    const old = { letter: 'O' as const, row: [jane, before] }
    const change = decodeChange({ kind: 'update', oid, before: old, row: [jane, 'unchanged'] })
    expect('row' in change && change.row.get('note')).toBe(after)
  })

  test('a row tells nothing of a column that its table does not have', () => {
    const change = decodeChange(insert(jane, null))
    expect('row' in change && change.row.get('plan')).toBeUndefined()
  })

  test('NULL is null', () => {
    const change = decodeChange(insert(jane, null))
    expect('row' in change && change.row.get('note')).toBeNull()
  })

  test('a binary value is refused: it is not the server’s text', () => {
    expect(() => decodeChange(insert(jane, { binary: 'x' }))).toThrow(DecodeError)
  })

  test('short and long values, ASCII or not, come as they are, whatever their number', () => {
    const texts = ['', 'a', 'ñ', 'a'.repeat(64), 'b'.repeat(65), 'ñ'.repeat(300), '\u007f', '\u0080', '😀', 'end']
    const values = Array.from({ length: 10 }, () => texts).flat()
    const columns = values.map((_, index) => ({ name: `c${index}`, inIdentity: index === 0 }))
    const event = decode([{ kind: 'relation', oid, columns }, insert(...values.map((text) => ({ text })))])
    expect(event?.kind === 'change' && 'row' in event.change && [...event.change.row.values()]).toEqual(values)
  })

  test('a U+FEFF at the start of a value is part of it', () => {
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

  test('does not count as memory that the change takes', () => {
    const size = (note: string) => {
      const event = decode([{ kind: 'relation', oid, columns: codeAndNote }, insert(jane, { text: note })], code)
      return event?.kind === 'change' ? event.bytes : Number.NaN
    }
    expect(size('long'.repeat(1000))).toBe(size(''))
  })

  test('must be in the message', () => {
    expect(() => decodeChange(insert(jane), code)).toThrow(DecodeError)
  })

  test('is described', () => {
    const { relation } = decodeChange(insert(jane, null), code)
    expect(relation.columns.map(({ name }) => name)).toEqual(['code', 'note'])
  })
})

test('a table that is described again has its new columns from then on', () => {
  const swapped = codeAndNote.toReversed()
  const row = insert(jane, { text: 'x' })
  const event = decode(
    [{ kind: 'relation', oid, columns: codeAndNote }, row, { kind: 'relation', oid, columns: swapped }, row],
    new Set(['code']),
  )
  expect(event?.kind === 'change' && 'row' in event.change && [...event.change.row]).toEqual([['code', 'x']])
})

describe('what the replica identity sends', () => {
  test('a delete under the default identity is known by its key, and says nothing of the other columns', () => {
    const change = decodeChange({ kind: 'delete', oid, letter: 'K', row: [jane, null] })
    expect('old' in change && change.old && [...change.old]).toEqual([['code', 'jane']])
  })

  test('a delete under the full identity carries the whole old row', () => {
    const change = decodeChange({ kind: 'delete', oid, letter: 'O', row: [jane, null] })
    expect('old' in change && change.old?.get('note')).toBeNull()
  })

  test('an update without an old row left the key as it was', () => {
    const change = decodeChange({ kind: 'update', oid, before: null, row: [jane, { text: 'x' }] })
    expect('old' in change && change.old).toBeNull()
  })

  test('an update of the key carries the old one', () => {
    const before = { letter: 'K' as const, row: [jane, null] }
    const change = decodeChange({ kind: 'update', oid, before, row: [{ text: 'janet' }, { text: 'x' }] })
    expect('old' in change && change.old && [...change.old]).toEqual([['code', 'jane']])
  })
})

test('object ids are those of the catalogs in their upper half too', () => {
  const columns = [{ name: 'code', inIdentity: true, typeOid: 3_000_000_000 }]
  const event = decode([
    { kind: 'relation', oid: 3_000_000_001, columns },
    { kind: 'insert', oid: 3_000_000_001, row: [jane] },
  ])
  const relation = event?.kind === 'change' ? event.change.relation : null
  expect([relation?.oid, relation?.columns[0]?.typeOid]).toEqual([3_000_000_001, 3_000_000_000])
})

test('a transaction is at its position, with its id and its time', () => {
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

test('a truncate names its tables', () => {
  const event = decode([
    { kind: 'relation', oid, columns: codeAndNote },
    { kind: 'truncate', oids: [oid] },
  ])
  expect(event?.kind === 'truncate' && event.relations.map(({ table }) => table)).toEqual(['patients'])
})

test.each(['M', 'O', 'Y'])('a message %s says nothing about rows', (letter) => {
  const bytes = Buffer.from(`${letter}anything`)
  expect(new PgoutputDecoder('all').decode(bytes, 0, bytes.length)).toBeNull()
})
