import { describe, expect, test } from 'vitest'
import { Isolation } from '../../../src/delivery/isolation/isolation.ts'
import { ProbeShare } from '../../../src/delivery/isolation/probe-share.ts'
import type { Refusal } from '../../../src/delivery/isolation/refusal.ts'

/** Creates an isolation, and records its decisions on rows. */
function setUp() {
  const refused: unknown[] = []
  const released: number[] = []
  const halts: number[] = []
  const isolation = new Isolation<number>({
    refuse: (row, letter) => refused.push([row, letter]),
    release: (row) => released.push(row),
    halt: (status) => halts.push(status),
    keyOf: String,
    probeShare: new ProbeShare(),
    random: () => 0,
  })
  /** Returns the rows that it sends next, though nothing else waits. */
  const sent = (waiting = false): readonly number[] => {
    const turn = isolation.next({ waiting, inFlight: 0 })
    return typeof turn === 'string' ? expect.fail(turn) : turn
  }
  return { isolation, refused, released, halts, sent }
}
const refusal = (named: Refusal['named'] = [], status = 422): Refusal => ({ reason: 'refused', status, named })

describe('a rejected row', () => {
  test('has the status and the attribute that the answer names for it; an index that was not sent is ignored', () => {
    const { isolation, refused, sent } = setUp()
    const named = [
      { index: 1, attribute: 'gender' },
      { index: 3, attribute: 'email' },
    ]
    isolation.refused([1, 2, 3], refusal(named))
    const rest = sent()
    expect([rest, refused]).toEqual([[1, 3], []])
    isolation.accepted(rest)
    const attributes = [{ attribute: 'gender', reason: 'refused' }]
    expect(refused).toEqual([[2, { reason: 'refused by the API', attributes, status: 422 }]])
    expect(isolation.isIdle).toBe(true)
  })

  test('has no attribute if the answer names none, and is rejected only after another request was accepted', () => {
    const { isolation, refused, released, sent } = setUp()
    isolation.refused([1, 2], refusal([], 400))
    isolation.refused(sent(), refusal([], 400))
    expect(isolation.next({ waiting: false, inFlight: 0 })).toBe('others')
    expect([refused, released]).toEqual([[], [2]])
    isolation.accepted([9])
    expect(refused).toEqual([[1, { reason: 'refused by the API', attributes: [], status: 400 }]])
  })

  test('is the last suspect, if all others were accepted', () => {
    const { isolation, refused, sent } = setUp()
    isolation.refused([1, 2, 3, 4], refusal())
    isolation.accepted(sent())
    isolation.accepted(sent())
    expect(refused).toEqual([[4, { reason: 'refused by the API', attributes: [], status: 422 }]])
    expect(isolation.isIdle).toBe(true)
  })
})

describe('before another request succeeds', () => {
  test('nothing is sent until the requests in flight are answered, then one request with other rows', () => {
    const { isolation } = setUp()
    isolation.refused([1, 2], refusal())
    expect(isolation.isIdle).toBe(false)
    expect(isolation.next({ waiting: true, inFlight: 1 })).toBe('nothing')
    expect(isolation.next({ waiting: true, inFlight: 0 })).toBe('others')
    expect(isolation.next({ waiting: true, inFlight: 0 })).toEqual([1])
    expect(isolation.next({ waiting: true, inFlight: 0 })).toBe('nothing')
  })

  test('two rows that are refused alike halt sending with their status, and wait again', () => {
    const { isolation, refused, released, halts } = setUp()
    isolation.refused([1], refusal([], 400))
    isolation.refused([2], refusal([], 400))
    expect(isolation.next({ waiting: false, inFlight: 0 })).toBe('nothing')
    expect([halts, released, refused, isolation.isIdle]).toEqual([[400], [1, 2], [], true])
  })
})

describe('rows of an unfinished search', () => {
  test('wait with the others again, each once, when the search is abandoned', () => {
    const { isolation, released, refused, sent } = setUp()
    isolation.refused([1, 2, 3, 4], refusal())
    isolation.refused(sent(), refusal())
    isolation.refused([5, 6, 7], refusal([{ index: 0, attribute: null }]))
    isolation.giveUp()
    expect([released.toSorted(), refused, isolation.isIdle]).toEqual([[1, 2, 3, 4, 5, 6, 7], [], true])
    isolation.giveUp()
    expect(released).toHaveLength(7)
  })

  test('wait again after an abandoned request, except for the rows of that request, which the caller returns', () => {
    const { isolation, released, sent } = setUp()
    isolation.refused([1, 2, 3, 4], refusal())
    const part = sent()
    expect(part).toEqual([1, 2])
    isolation.abandoned(part)
    expect(isolation.next({ waiting: true, inFlight: 0 })).toBe('others')
    expect([released, isolation.isIdle]).toEqual([[3, 4], true])
  })

  test('stay in the search after a foreign request was abandoned', () => {
    const { isolation, released, sent } = setUp()
    isolation.refused([1, 2, 3, 4], refusal())
    sent()
    isolation.abandoned([8, 9])
    expect([released, isolation.next({ waiting: true, inFlight: 0 })]).toEqual([[], 'nothing'])
  })
})

test('sends other rows while a part of a search is in flight, once another request has succeeded', () => {
  const { isolation, sent } = setUp()
  isolation.refused([1, 2, 3, 4], refusal())
  isolation.accepted([9])
  const part = sent()
  expect(isolation.next({ waiting: true, inFlight: 1 })).toBe('others')
  isolation.accepted(part)
  isolation.accepted(sent())
  expect(isolation.isIdle).toBe(true)
})

test('names the attribute of a row that is too large, if the answer does', () => {
  const { isolation, refused } = setUp()
  isolation.accepted([9])
  isolation.refused([1, 2], refusal())
  isolation.accepted([8])
  isolation.refused([3], { ...refusal([{ index: 0, attribute: 'meta' }], 413), reason: 'too large' })
  expect(refused).toEqual([
    [3, { reason: 'too large', attributes: [{ attribute: 'meta', reason: 'refused' }], status: 413 }],
  ])
})

test('searches the rows that a search skipped on their own if no other rows wait that could go with them', () => {
  const { isolation, released, refused, sent } = setUp()
  isolation.refused([1, 2, 3, 4], refusal())
  isolation.accepted([9])
  isolation.refused(sent(), refusal())
  isolation.refused(sent(), refusal())
  expect(refused.map((one) => (one as [number])[0])).toEqual([1])
  const rest = sent()
  expect([[...rest].sort(), released]).toEqual([[2, 3, 4], []])
  isolation.accepted(rest)
  expect(isolation.isIdle).toBe(true)
})
