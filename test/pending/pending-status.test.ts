import { describe, expect, test } from 'vitest'
import { dialogue } from './dialogue.ts'
import { at, delivered, incomplete, key, patient, removed, seesBelow, upsert } from './rows.ts'

describe('the status of the pending set', () => {
  test('counts the rows that wait and can be sent, by lane, and the codes in flight', () => {
    const { commits, reads, take, accept, pending } = dialogue()
    commits(110, ['1', upsert('a')], ['2', upsert('b')], ['3', incomplete()])
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

  test('names the end of the newest read of which a version was sent or settled, not of one that only waits', () => {
    const { reads, pending, take } = dialogue({ state: [delivered('4', patient('d'))] })
    expect(pending.readLsn).toBeNull()
    reads('1', upsert('a'), seesBelow(200), 300)
    reads('2', upsert('b'), seesBelow(200), 500)
    expect(pending.readLsn).toBeNull()
    take(1)
    expect(pending.readLsn).toBe(at(300))
    take(1)
    reads('3', upsert('c'), seesBelow(200), 400)
    take(1)
    expect(pending.readLsn).toBe(at(500))
    reads('4', upsert('d'), seesBelow(200), 600)
    expect(pending.readLsn).toBe(at(600))
  })

  test('is not lower than the position that an earlier run stored', () => {
    const { reads, pending, take } = dialogue({ readLsn: 400 })
    reads('1', upsert('a'), seesBelow(200), 300)
    take()
    expect(pending.readLsn).toBe(at(400))
  })

  test('shows a change when a row waits again, so that sending tries again', () => {
    const { commits, pending, take } = dialogue()
    commits(110, ['1', upsert('a')])
    const [delivery] = take()
    const before = pending.changes
    if (delivery) pending.returned(delivery)
    expect(pending.changes).toBeGreaterThan(before)
  })

  test('counts the codes to unsubscribe that wait to be resolved', () => {
    const { commits, pending, resolve } = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a'))] })
    expect(pending.unsubscriptions).toBe(0)
    commits(110, ['1', removed()])
    expect(pending.unsubscriptions).toBe(1)
    resolve(() => patient('a'))
    expect(pending.unsubscriptions).toBe(0)
  })

  test('shows if a row may still have a code: memory takes precedence over the row record', () => {
    const { pending } = dialogue()
    const mayOwnCode = (name: string) => pending.mayOwnCode(patient('a').code, key(name))
    const rows = [
      ['1', delivered('1', patient('a')), true],
      ['2', delivered('2', patient('b')), false],
      ['3', delivered('3', patient('a'), { removed: true }), false],
      ['4', null, false],
    ] as const
    const asked = pending.expect(rows.map(([name]) => key(name)))
    expect(mayOwnCode('1')).toBe(true)
    for (const [at, [name, stored, wanted]] of rows.entries()) {
      const row = asked[at]
      if (row) pending.lookedUp(row, stored)
      expect(mayOwnCode(name)).toBe(wanted)
    }
    expect(mayOwnCode('unknown')).toBe(true)
  })
})

describe('a read', () => {
  test('loads the row records only of rows that are not loaded yet', () => {
    const { pending, commits } = dialogue()
    commits(110, ['1', upsert('a')])
    expect(pending.expect([key('1'), key('2')]).map((row) => row.key)).toEqual([key('2')])
  })

  test('is never forbidden, however many rows wait for the stream to pass the earlier reads', () => {
    const { pending, commits, reads } = dialogue({ maxMarks: 10 })
    for (let row = 0; row < 100; row++) reads(`${row}`, upsert(`c${row}`), seesBelow(200), 500)
    commits(110, ['x', incomplete()])
    expect(pending.toRead(10)).toEqual([key('x')])
  })
})

describe('an answer', () => {
  test('throws if it comes twice, or for a row that is not in flight', () => {
    const { commits, take, accept, pending } = dialogue()
    commits(110, ['1', upsert('a')])
    const batch = take()
    accept(batch)
    expect(() => accept(batch)).toThrow('an answer for a row that is not in flight')
    for (const delivery of batch) expect(() => pending.returned(delivery)).toThrow(/not in flight/)
    for (const delivery of batch)
      expect(() => pending.returned({ ...delivery, key: key('2') })).toThrow(/not in flight/)
  })

  test('is reported with its outcome', () => {
    const { commits, take, pending, settled } = dialogue()
    commits(110, ['1', upsert('a')])
    for (const delivery of take()) pending.refused(delivery, { reason: 'too large', attributes: [], status: 413 })
    expect(settled).toEqual(['dead letter'])
  })
})
