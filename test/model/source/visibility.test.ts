import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseSnapshot, sees, seesAll, widenXid, xid } from '../../../src/model/source/visibility.ts'

describe('a snapshot', () => {
  test('contains every transaction that had ended: below xmax and not in progress', () => {
    const snapshot = parseSnapshot('10:20:12,15')
    const seen = [9n, 10n, 12n, 13n, 15n, 19n, 20n, 21n].filter((id) => sees(snapshot, xid(id)))
    expect(seen).toEqual([9n, 10n, 13n, 19n])
  })

  test('keeps ids beyond 32 bits', () => {
    const snapshot = parseSnapshot('4294967396:4294967399:4294967397')
    expect(snapshot).toMatchObject({ xmin: 4294967396n, xmax: 4294967399n })
    expect([sees(snapshot, xid(4294967397n)), sees(snapshot, xid(4294967398n))]).toEqual([false, true])
  })

  test('without transactions in progress contains everything below xmax', () => {
    const snapshot = parseSnapshot('20:20:')
    expect(snapshot.inProgress).toEqual(new Set())
    expect([sees(snapshot, xid(0n)), sees(snapshot, xid(19n)), sees(snapshot, xid(20n))]).toEqual([true, true, false])
  })

  test('defined by positions contains every possible transaction', () => {
    expect([0n, 1n, 1n << 32n, (1n << 64n) - 1n].map((id) => sees(seesAll, xid(id)))).toEqual([true, true, true, true])
  })

  test.each(['', '1:2', '1:2:3,', 'a:b:', '1:2:3;4', 'x1:2:', '1:2:3x', '-1:2:'])('cannot be %j', (text) => {
    expect(() => parseSnapshot(text)).toThrow(RangeError)
    expect(() => parseSnapshot(text)).toThrow(`not a snapshot: ${JSON.stringify(text)}`)
  })
})

describe('a transaction id of 32 bits', () => {
  test('is widened across the boundary of the epoch, in both directions', () => {
    const boundary = 1n << 32n
    expect(widenXid(5, xid(boundary - 3n))).toBe(boundary + 5n)
    expect(widenXid(0xffff_fffe, xid(boundary + 3n))).toBe(boundary - 2n)
    expect(widenXid(0, xid(3n * boundary))).toBe(3n * boundary)
    expect(widenXid(0xffff_ffff, xid(3n * boundary))).toBe(3n * boundary - 1n)
  })

  test('of the first epoch never becomes negative', () => {
    expect(widenXid(0xffff_fff0, xid(3n))).toBe(0xffff_fff0n)
  })

  test('is widened correctly whenever the known id is within 2^31 of it', () => {
    const near = fc.bigInt({ min: 1n << 33n, max: 1n << 50n })
    const distance = fc.bigInt({ min: -(1n << 31n) + 1n, max: (1n << 31n) - 1n })
    fc.assert(
      fc.property(near, distance, (known, away) => {
        expect(widenXid(Number(BigInt.asUintN(32, known + away)), xid(known))).toBe(known + away)
      }),
    )
  })
})
