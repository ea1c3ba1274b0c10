import { describe, expect, test } from 'vitest'
import { Horizon } from '../../src/checkpoint/horizon.ts'
import { type Lsn, lsn } from '../../src/model/lsn.ts'
import { comparePositions, type Position } from '../../src/model/position.ts'

const position = (bytes: number, ordinal = 1): Position => ({ commitLsn: lsn(BigInt(bytes)), ordinal })

function horizonOf(durable: Position | null, received: Position | null, readTo: Lsn | null = null) {
  return new Horizon({ durable, received: () => received, readTo: () => readTo })
}

describe('before something leaves, the stored horizon must rise', () => {
  test.for([
    ['nothing was received', null, null, null, false],
    ['something was received, nothing is stored', null, position(10), null, true],
    ['something newer was received', position(10), position(20), null, true],
    ['a later change of the same transaction was received', position(10, 3), position(10, 4), null, true],
    ['nothing newer was received', position(10, 3), position(10, 3), null, false],
    ['a read may contain something newer than what was received', position(10), position(10), lsn(20n), true],
    ['the newest read ended before', position(20), position(10), lsn(20n), false],
  ] as const)('%s', ([, durable, received, readTo, rises]) => {
    expect(horizonOf(durable, received, readTo).mustRise).toBe(rises)
  })
})

test('it covers every commit that a read may have seen, and is passed once the stream stands where the read ended', () => {
  const wanted = horizonOf(null, position(10), lsn(20n)).wanted
  expect(wanted && comparePositions(wanted, position(19, 1_000_000)) > 0).toBe(true)
  expect(wanted && wanted.commitLsn < 20n).toBe(true)
})

test('what is stored never lowers it', () => {
  const horizon = horizonOf(null, position(10))
  horizon.stored(position(30))
  horizon.stored(position(20))
  expect([horizon.wanted, horizon.mustRise]).toEqual([position(30), false])
})
