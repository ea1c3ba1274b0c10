import fc from 'fast-check'
import type { Sending, Sent, SentColumn } from './pgoutput-bytes.ts'

/** Marks the start of every text value. An error that quotes a value would contain it. */
const mark = 'Zuñiga'
const asciiMark = 'Zuniga'
export const partOfMark = /Zu|iga/
/** Object id of the only table. */
export const oid = 16_385

const value: fc.Arbitrary<Sent> = fc.oneof(
  fc.constant(null),
  fc.constant('unchanged' as const),
  fc.string({ unit: 'binary', maxLength: 12 }).map((text) => ({ text: `${mark}${text.replaceAll('\0', '')}` })),
  fc.string({ unit: 'grapheme-ascii', maxLength: 80 }).map((text) => ({ text: `${asciiMark}${text}` })),
)
/** Columns of a table. The first one is its key. */
export const anyColumns: fc.Arbitrary<readonly SentColumn[]> = fc
  .uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 6 })
  .map((names) => names.map((name, index) => ({ name, inIdentity: index === 0 })))

/** Creates a message of a transaction, about a table with this number of columns. */
export function anyMessage(count: number): fc.Arbitrary<Sending> {
  const row = fc.array(value, { minLength: count, maxLength: count })
  const letter = fc.constantFrom('K' as const, 'O' as const)
  const lsn = fc.bigInt({ min: 9n, max: 2n ** 63n })
  const committedAtUs = fc.bigInt({ min: 0n, max: 2n ** 50n })
  return fc.oneof(
    fc.record({ kind: fc.constant('begin' as const), lsn, committedAtUs, xid: fc.integer() }),
    fc.record({ kind: fc.constant('commit' as const), lsn, committedAtUs }),
    fc.record({ kind: fc.constant('insert' as const), oid: fc.constant(oid), row }),
    fc.record({
      kind: fc.constant('update' as const),
      oid: fc.constant(oid),
      before: fc.option(fc.record({ letter, row })),
      row,
    }),
    fc.record({ kind: fc.constant('delete' as const), oid: fc.constant(oid), letter, row }),
    fc.record({ kind: fc.constant('truncate' as const), oids: fc.array(fc.constant(oid), { maxLength: 3 }) }),
  )
}
