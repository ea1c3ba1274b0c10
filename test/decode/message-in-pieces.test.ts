import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Condenser } from '../../src/decode/condenser.ts'
import type { Columns } from '../../src/decode/described-relation.ts'
import { PgoutputDecoder } from '../../src/decode/pgoutput.ts'
import type { WalEvent } from '../../src/model/source/change.ts'
import { anyColumns, anyMessage, oid } from './any-message.ts'
import { bytesOf, type Sending } from './pgoutput-bytes.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 2_000)

const scene = anyColumns.chain((columns) =>
  fc.record({
    relation: fc.constant<Sending>({ kind: 'relation', oid, columns }),
    message: anyMessage(columns.length),
    decoded: fc.subarray(columns.map(({ name }) => name)).map((names): Columns => new Set(names)),
    cuts: fc.array(fc.nat(200), { maxLength: 8 }),
  }),
)

function decoderOf(relation: Sending, decoded: Columns): PgoutputDecoder {
  const decoder = new PgoutputDecoder(decoded)
  const bytes = bytesOf(relation)
  decoder.decode(bytes, 0, bytes.length)
  return decoder
}

function whole(decoder: PgoutputDecoder, bytes: Buffer) {
  return outcome(() => decoder.decode(bytes, 0, bytes.length))
}

/** Decodes a message in pieces. Overwrites each piece once it is written: the decoder must not keep it. */
function inPieces(decoder: PgoutputDecoder, bytes: Buffer, cuts: readonly number[]) {
  return outcome(() => {
    const pieces = decoder.decodeInPieces(bytes.length)
    const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
    let from = 0
    for (const to of ends) {
      const piece = Buffer.from(bytes.subarray(from, to))
      pieces.write(piece, 0, piece.length)
      piece.fill(0xff)
      from = to
    }
    return pieces.end()
  })
}

function outcome(run: () => WalEvent | null) {
  try {
    return shown(run())
  } catch (error) {
    return (error as Error).name
  }
}

/** Returns an event with its rows as lists. */
function shown(event: WalEvent | null) {
  if (event?.kind !== 'change') return event
  const { change } = event
  const row = 'row' in change ? [...change.row] : null
  const old = 'old' in change && change.old ? [...change.old] : null
  return { bytes: event.bytes, operation: change.operation, relation: change.relation, row, old }
}

describe('a message that comes in pieces', () => {
  test('is decoded like the whole, wherever it is cut', () => {
    fc.assert(
      fc.property(scene, ({ relation, message, decoded, cuts }) => {
        const bytes = bytesOf(message)
        const expected = whole(decoderOf(relation, decoded), bytes)
        expect(expected).toBeTypeOf('object')
        expect(inPieces(decoderOf(relation, decoded), bytes, cuts)).toEqual(expected)
      }),
      { numRuns },
    )
  })

  test('is refused like the whole if it is damaged', () => {
    const damage = fc.record({ at: fc.nat(), remove: fc.nat(40), insert: fc.uint8Array({ maxLength: 5 }) })
    fc.assert(
      fc.property(scene, damage, ({ relation, message, decoded, cuts }, { at, remove, insert }) => {
        const sent = bytesOf(message)
        const from = at % (sent.length + 1)
        const bytes = Buffer.concat([sent.subarray(0, from), insert, sent.subarray(from + remove)])
        expect(inPieces(decoderOf(relation, decoded), bytes, cuts)).toEqual(whole(decoderOf(relation, decoded), bytes))
      }),
      { numRuns },
    )
  })

  test('is decoded like the whole if it is a description of a table', () => {
    fc.assert(
      fc.property(anyColumns, fc.array(fc.nat(200), { maxLength: 8 }), (columns, cuts) => {
        const insert = bytesOf({ kind: 'insert', oid, row: columns.map(() => null) })
        const decoder = new PgoutputDecoder('all')
        inPieces(decoder, bytesOf({ kind: 'relation', oid, columns }), cuts)
        expect(whole(decoder, insert)).toEqual(whole(decoderOf({ kind: 'relation', oid, columns }, 'all'), insert))
      }),
    )
  })
})

describe('the copy of a message', () => {
  const chunk = Buffer.alloc(64 * 1024, 'a')

  /** Decodes an insert of a code and a value of this many bytes, in chunks. @returns the bytes that the copy occupies. */
  function copiedBytes(valueBytes: number, isDecoded: boolean): number {
    const start = bytesOf({ kind: 'insert', oid, row: [{ text: 'jane' }, { text: '' }] })
    start.writeInt32BE(valueBytes, start.length - 4)
    const condenser = new Condenser(start.length + valueBytes, () => [true, isDecoded])
    condenser.write(start, 0, start.length)
    for (let left = valueBytes; left > 0; left -= chunk.length) condenser.write(chunk, 0, Math.min(left, chunk.length))
    return condenser.end().buffer.byteLength
  }

  test('does not grow with a value that is not decoded', () => {
    // A small copy is a part of the pool of Node.js, which has 64 KiB since version 24.
    expect(copiedBytes(1024 ** 3, false)).toBeLessThanOrEqual(64 * 1024)
  })

  test('has little more room than a decoded value needs', () => {
    expect(copiedBytes(16 * 1024 ** 2, true)).toBeLessThan(17 * 1024 ** 2)
  })
})
