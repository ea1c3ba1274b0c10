import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PgoutputDecoder } from '../../src/decode/pgoutput.ts'
import { kindOf } from '../../src/model/failure/kind-of.ts'
import type { WalEvent } from '../../src/model/source/change.ts'
import { type Row, unchanged } from '../../src/model/source/row.ts'
import { anyColumns, anyMessage, oid, partOfMark } from './any-message.ts'
import { bytesOf, type Sent, type SentColumn } from './pgoutput-bytes.ts'

// Messages that no server sends. `FUZZ_RUNS` sets their number.
/** Number of messages for each property. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 2_000)

/** Decodes messages as a connection does. @returns the events before the first failure, and the failure. */
function read(messages: readonly Buffer[]): { readonly events: readonly WalEvent[]; readonly failure: Error | null } {
  const decoder = new PgoutputDecoder('all')
  const events: WalEvent[] = []
  try {
    for (const message of messages) {
      const event = decoder.decode(message, 0, message.length)
      if (event) events.push(event)
    }
    return { events, failure: null }
  } catch (error) {
    return { events, failure: error as Error }
  }
}

const scene = anyColumns.chain((its) => fc.record({ columns: fc.constant(its), message: anyMessage(its.length) }))

/** Bytes that are cut off, inserted, or overwritten. */
const damage = fc.oneof(
  fc.record({ at: fc.nat(), remove: fc.integer({ min: 1, max: 60 }), insert: fc.constant(new Uint8Array()) }),
  fc.record({ at: fc.nat(), remove: fc.constant(0), insert: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
  fc
    .uint8Array({ minLength: 1, maxLength: 4 })
    .chain((insert) => fc.record({ at: fc.nat(), remove: fc.constant(insert.length), insert: fc.constant(insert) })),
)
function damaged(bytes: Buffer, { at, remove, insert }: { at: number; remove: number; insert: Uint8Array }): Buffer {
  const from = at % (bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, from), insert, bytes.subarray(from + remove)])
}

const relation = (its: readonly SentColumn[]) => bytesOf({ kind: 'relation', oid, columns: its })

describe('a message that is whole', () => {
  test('is decoded to what was sent, value for value', () => {
    fc.assert(
      fc.property(scene, ({ columns: its, message }) => {
        const { events, failure } = read([relation(its), bytesOf(message)])
        expect(failure).toBeNull()
        const event = events[0]
        if (message.kind !== 'insert' || event?.kind !== 'change' || event.change.operation !== 'insert') return
        expect([...event.change.row]).toEqual(its.map(({ name }, index) => [name, asRead(message.row[index] ?? null)]))
      }),
      { numRuns },
    )
  })
})

describe('a message that is damaged', () => {
  test('is a whole event, or an error that quotes nothing of it', () => {
    fc.assert(
      fc.property(scene, damage, fc.boolean(), ({ columns: its, message }, harm, harmRelation) => {
        const [first, second] = [relation(its), bytesOf(message)]
        const { events, failure } = read(harmRelation ? [damaged(first, harm), second] : [first, damaged(second, harm)])
        for (const event of events) expectWhole(event)
        if (failure) expectSilent(failure)
      }),
      { numRuns },
    )
  })

  test('is an error that quotes nothing of it, if it is noise', () => {
    fc.assert(
      fc.property(anyColumns, fc.uint8Array({ maxLength: 64 }), (its, noise) => {
        const { events, failure } = read([relation(its), Buffer.from(noise)])
        for (const event of events) expectWhole(event)
        if (failure) expectSilent(failure)
      }),
      { numRuns },
    )
  })

  test('allocates no memory for a TRUNCATE of two thousand million tables', () => {
    const truncate = bytesOf({ kind: 'truncate', oids: [oid] })
    truncate.writeInt32BE(2 ** 31 - 1, 1)
    expect(read([relation([{ name: 'id', inIdentity: true }]), truncate]).failure).toMatchObject({
      kind: 'stream malformed',
    })
  })

  test('is refused if it truncates a table that was not described', () => {
    expect(read([bytesOf({ kind: 'truncate', oids: [oid] })]).failure).toMatchObject({ kind: 'stream not understood' })
  })

  test('is refused if its table was described with two columns of the same name', () => {
    const its = ['id', 'id'].map((name, index) => ({ name, inIdentity: index === 0 }))
    const insert = bytesOf({ kind: 'insert', oid, row: [{ text: '1' }, { text: '2' }] })
    expect(read([relation(its), insert]).failure).toMatchObject({ kind: 'stream not understood' })
  })

  test('is refused if its row has fewer columns than its table', () => {
    const its = ['id', 'plan'].map((name, index) => ({ name, inIdentity: index === 0 }))
    const short = [{ text: '1' }]
    for (const message of [
      bytesOf({ kind: 'insert', oid, row: short }),
      bytesOf({ kind: 'update', oid, before: null, row: short }),
      bytesOf({ kind: 'delete', oid, letter: 'O', row: short }),
    ])
      expect(read([relation(its), message]).failure).toMatchObject({ kind: 'stream not understood' })
  })
})

function asRead(sent: Sent) {
  if (sent === null || sent === 'unchanged') return sent === null ? null : unchanged
  return 'text' in sent ? sent.text : undefined
}

/** Expects a row of every column, of texts, NULLs and unchanged values; a position; a time that can be formatted. */
function expectWhole(event: WalEvent): void {
  if (event.kind === 'begin') expect(() => new Date(event.committedAtMs).toISOString()).not.toThrow()
  if (event.kind !== 'change') return
  const { change } = event
  const rows: Row[] = change.operation === 'delete' ? [] : [change.row]
  for (const row of rows)
    expect([...row].map(([column]) => column)).toEqual(change.relation.columns.map(({ name }) => name))
  if (change.operation !== 'insert' && change.old) rows.push(change.old)
  for (const row of rows)
    for (const content of row.values())
      expect(content === null || content === unchanged || typeof content === 'string').toBe(true)
}

function expectSilent(failure: Error): void {
  expect(['stream malformed', 'stream not understood']).toContain(kindOf(failure))
  expect(failure.message).not.toMatch(partOfMark)
  expect(failure.cause).toBeUndefined()
}
