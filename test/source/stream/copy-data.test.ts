import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Columns } from '../../../src/decode/described-relation.ts'
import { PgoutputDecoder } from '../../../src/decode/pgoutput.ts'
import type { WalEvent } from '../../../src/model/source/change.ts'
import { readCopyData, readCopyDataInPieces } from '../../../src/source/stream/copy-data.ts'
import { FrameReader } from '../../../src/source/stream/frame-reader.ts'
import { anyColumns, anyMessage, oid } from '../../decode/any-message.ts'
import { bytesOf } from '../../decode/pgoutput-bytes.ts'
import { frame, frameHeader, keepalive, walData, walHeader } from './server-bytes.ts'

/** Opens a stream as a replication client reads it. */
function openStream({ decoded, maxWholeBytes }: { readonly decoded: Columns; readonly maxWholeBytes?: number }) {
  const decoder = new PgoutputDecoder(decoded)
  const events: WalEvent[] = []
  let passed = ''
  const add = (event: WalEvent | null) => {
    if (event) events.push(event)
  }
  const reader = new FrameReader(
    {
      forward: (bytes) => {
        passed += bytes.toString('latin1')
      },
      copyData: (bytes, from, to) => add(readCopyData(decoder, bytes, from, to)),
      copyDataInPieces: (length) => readCopyDataInPieces(decoder, length, add),
    },
    maxWholeBytes,
  )
  return { reader, events, passed: () => passed }
}

/** Returns an event with its rows as lists. */
function shown(event: WalEvent) {
  if (event.kind !== 'change') return event
  const { change } = event
  const row = 'row' in change ? [...change.row] : null
  const old = 'old' in change && change.old ? [...change.old] : null
  return { ...event, change: { operation: change.operation, relation: change.relation, row, old } }
}

/** Bytes that a server sends for one table, described again in between. */
const anyStream = fc
  .array(
    anyColumns.chain((columns) =>
      fc
        .array(
          fc.oneof(
            { weight: 4, arbitrary: anyMessage(columns.length).map((message) => walData(bytesOf(message))) },
            { weight: 1, arbitrary: fc.boolean().map((replyRequested) => keepalive(123n, replyRequested)) },
            {
              weight: 1,
              arbitrary: fc.constantFrom('E', 'N', 'S').map((type) => frame(type, Buffer.from('Sfatal\0\0'))),
            },
          ),
          { maxLength: 6 },
        )
        .map((messages) => [walData(bytesOf({ kind: 'relation', oid, columns })), ...messages]),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) => Buffer.concat([frame('W', Buffer.alloc(3)), ...parts.flat(), frame('c', Buffer.alloc(0))]))

describe('a stream', () => {
  test('gives the same events wherever its bytes are cut, with messages collected or in pieces', () => {
    const cuts = fc.array(fc.nat(5000), { maxLength: 20 })
    const decoded = fc.oneof(
      fc.constant<Columns>('all'),
      anyColumns.map((columns): Columns => new Set(columns.map(({ name }) => name))),
    )
    fc.assert(
      fc.property(anyStream, decoded, cuts, fc.integer({ min: 25, max: 120 }), (bytes, columns, at, maxWholeBytes) => {
        const whole = openStream({ decoded: columns })
        whole.reader.read(bytes)
        const cut = openStream({ decoded: columns, maxWholeBytes })
        const ends = [...at.map((end) => end % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
        let from = 0
        for (const to of ends) {
          cut.reader.read(Buffer.from(bytes.subarray(from, to)))
          from = to
        }
        expect(cut.events.map(shown)).toEqual(whole.events.map(shown))
        expect(cut.passed()).toBe(whole.passed())
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 1_000) },
    )
  })

  test('allocates no memory for values of 100 MiB in a column that is not decoded', () => {
    const stream = openStream({ decoded: new Set(['code']) })
    const columns = ['code', 'scan'].map((name, index) => ({ name, inIdentity: index === 0 }))
    stream.reader.read(walData(bytesOf({ kind: 'relation', oid, columns })))
    const chunk = Buffer.alloc(64 * 1024, 'a')
    const before = process.memoryUsage().arrayBuffers
    let mostBytes = 0
    const readValue = (size: number) => {
      for (let left = size; left > 0; left -= chunk.length) {
        stream.reader.read(chunk.subarray(0, Math.min(left, chunk.length)))
        mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - before)
      }
    }

    // An update under the full replica identity: the old row, then the new one.
    const size = 50 * 1024 ** 2
    const empty = { text: '' }
    const [old, row] = ['jane', 'janet'].map((code) => [{ text: code }, empty])
    const message = bytesOf({ kind: 'update', oid, before: { letter: 'O', row: old ?? [] }, row: row ?? [] })
    const after = bytesOf({ kind: 'insert', oid, row: row ?? [] }).length - 5
    const start = message.subarray(0, message.length - after)
    for (const part of [start, message]) part.writeInt32BE(size, part.length - 4)
    stream.reader.read(frameHeader('d', walHeader.length + message.length + 2 * size))
    stream.reader.read(walHeader)
    stream.reader.read(start)
    readValue(size)
    stream.reader.read(message.subarray(start.length))
    readValue(size)

    expect(mostBytes).toBeLessThan(1024 ** 2)
    const [event] = stream.events
    expect(event?.kind === 'change' && event.bytes).toBe(message.length)
    expect(event?.kind === 'change' && event.change.operation === 'update' && event.change.old?.get('code')).toBe(
      'jane',
    )
    expect(event?.kind === 'change' && 'row' in event.change && [...event.change.row]).toEqual([['code', 'janet']])
  })
})

test('gives a keepalive with its position, and with its request for a reply', () => {
  const stream = openStream({ decoded: 'all' })
  for (const replyRequested of [true, false]) stream.reader.read(keepalive(0xffff_ffff_0000_0001n, replyRequested))
  expect(stream.events).toEqual(
    [true, false].map((replyRequested) => ({ kind: 'keepalive', lsn: 0xffff_ffff_0000_0001n, replyRequested })),
  )
})

describe('CopyData that is not a replication message', () => {
  test.each([
    { name: 'of another kind', content: Buffer.alloc(30, 's') },
    { name: 'WAL without a message', content: walHeader },
    { name: 'a keepalive that is too short', content: Buffer.alloc(17, 'k') },
    { name: 'empty', content: Buffer.alloc(0) },
    { name: 'of another kind, and large', content: Buffer.alloc(100_000, 's') },
  ])('is refused: $name', ({ content }) => {
    expect(() => openStream({ decoded: 'all' }).reader.read(frame('d', content))).toThrow(
      expect.objectContaining({ kind: 'stream malformed' }),
    )
  })
})
