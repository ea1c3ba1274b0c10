import { describe, expect, test } from 'vitest'
import { at, delivered, dialogue, key, patient, removed, seesBelow, upsert } from './rows.ts'

describe('what is told of it', () => {
  test('is how many rows wait and could be sent, by lane, and how many codes are in flight', () => {
    const { commits, reads, take, accept, pending } = dialogue()
    commits(110, ['1', upsert('a')], ['2', upsert('b')], ['3', { kind: 'incomplete' }])
    reads('4', upsert('d'), seesBelow(200), 10_000, 'backfill')
    expect([pending.waiting, pending.sendable, pending.inFlight]).toEqual([
      { live: 3, backfill: 1 },
      { live: 2, backfill: 1 },
      0,
    ])
    const batch = take(2)
    expect([pending.waiting, pending.sendable, pending.inFlight]).toEqual([
      { live: 1, backfill: 1 },
      { live: 0, backfill: 1 },
      2,
    ])
    accept(batch)
    expect(pending.inFlight).toBe(0)
  })

  test('is where the newest read ended, whichever was merged last', () => {
    const { reads, pending } = dialogue()
    expect(pending.readTo).toBeNull()
    reads('1', upsert('a'), seesBelow(200), 300)
    reads('2', upsert('b'), seesBelow(200), 500)
    reads('3', upsert('c'), seesBelow(200), 400)
    expect(pending.readTo).toBe(at(500))
  })

  test('is whether a code waits for its record, so that it can be ended', () => {
    const { commits, pending, resolve } = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a'))] })
    expect(pending.mustResolve).toBe(false)
    commits(110, ['1', removed()])
    expect(pending.mustResolve).toBe(true)
    resolve(() => patient('a'))
    expect(pending.mustResolve).toBe(false)
  })

  test('is whether a row may have a code still: what memory knows counts for more than what the state says', () => {
    const { pending } = dialogue()
    const mayHold = (name: string) => pending.mayHold(patient('a').code, key(name))
    const rows = [
      ['1', delivered('1', patient('a')), true],
      ['2', delivered('2', patient('b')), false],
      ['3', delivered('3', patient('a'), { removed: true }), false],
      ['4', null, false],
    ] as const
    const asked = pending.expect(rows.map(([name]) => key(name)))
    expect(mayHold('1')).toBe(true)
    for (const [at, [name, stored, wanted]] of rows.entries()) {
      const row = asked[at]
      if (row) pending.lookedUp(row, stored)
      expect(mayHold(name)).toBe(wanted)
    }
    expect(mayHold('unknown')).toBe(true)
  })
})

describe('a read', () => {
  test('asks for the state of those rows alone that are not known yet', () => {
    const { pending, commits } = dialogue()
    commits(110, ['1', upsert('a')])
    expect(pending.expect([key('1'), key('2')]).map((row) => row.key)).toEqual([key('2')])
  })

  test('is not started while two thousand rows wait for the stream to pass the reads before', () => {
    const { pending, commits, reads } = dialogue()
    for (let row = 0; row < 2_000; row++) {
      expect(pending.mayRead).toBe(true)
      reads(`${row}`, upsert(`c${row}`), seesBelow(200), 500)
    }
    commits(110, ['x', { kind: 'incomplete' }])
    expect([pending.mayRead, pending.toRead(10)]).toEqual([false, []])
    pending.passed(at(500))
    expect([pending.mayRead, pending.toRead(10)]).toEqual([true, [key('x')]])
  })
})

describe('an answer', () => {
  test('that comes twice, or for a row that is not in flight, is a bug that shows', () => {
    const { commits, take, accept, pending } = dialogue()
    commits(110, ['1', upsert('a')])
    const batch = take()
    accept(batch)
    expect(() => accept(batch)).toThrow('an answer for a row that is not in flight')
    for (const parcel of batch) expect(() => pending.returned(parcel)).toThrow(/not in flight/)
    for (const parcel of batch) expect(() => pending.returned({ ...parcel, key: key('2') })).toThrow(/not in flight/)
  })

  test('is told with what it came to', () => {
    const { commits, take, pending, settled } = dialogue()
    commits(110, ['1', upsert('a')])
    for (const parcel of take()) pending.refused(parcel, { reason: 'too large', attributes: [], status: 413 })
    expect(settled).toEqual(['dead letter'])
  })
})
