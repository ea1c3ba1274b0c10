import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Permits, permitHoldMs } from '../../../src/delivery/quota/permits.ts'

const windowMs = 60_000

/** Times that a request takes to the server, and its answer back, and that the client waits before the next one. */
interface Trip {
  readonly outMs: number
  readonly backMs: number
  readonly pauseMs: number
}

/** Returns the times at which requests reach the server, if a client sends as often as the permits allow. */
function arrivals(limit: number, trips: readonly Trip[]): number[] {
  const permits = new Permits(limit)
  const answersAtMs: number[] = []
  const arrivedAtMs: number[] = []
  let now = 0
  for (const { outMs, backMs, pauseMs } of trips) {
    now += pauseMs
    for (;;) {
      settle()
      if (permits.take(now)) break
      const [answer] = answersAtMs
      now = permits.nextAtMs(now) ?? answer ?? now
      if (answer !== undefined) now = Math.min(now, Math.max(now, answer))
    }
    arrivedAtMs.push(now + outMs)
    answersAtMs.push(now + outMs + backMs)
    answersAtMs.sort((a, b) => a - b)
  }
  return arrivedAtMs.sort((a, b) => a - b)

  function settle(): void {
    while (answersAtMs[0] !== undefined && answersAtMs[0] <= now) permits.answered(answersAtMs.shift() ?? now)
  }
}

const trip = fc.record({
  outMs: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 90_000 })),
  backMs: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 90_000 })),
  pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30_000 })),
})

test('keeps every minute of the server’s time within the limit, whatever time requests and answers take', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(trip, { minLength: 1, maxLength: 60 }), (limit, trips) => {
      const arrived = arrivals(limit, trips)
      const spans = arrived.slice(limit).map((at, index) => at - (arrived[index] ?? 0))
      expect(Math.min(Number.POSITIVE_INFINITY, ...spans)).toBeGreaterThan(windowMs)
    }),
    { numRuns: 1_000 },
  )
})

test('keeps it also by a clock of the server that is slower by a thousandth', () => {
  const permits = new Permits(1)
  permits.take(0)
  permits.answered(0)
  const backAtMs = permits.nextAtMs(0) ?? 0
  expect(backAtMs * 0.999).toBeGreaterThan(windowMs)
})

test('returns an unused permit immediately', () => {
  const permits = new Permits(1)
  expect(permits.take(0)).toBe(true)
  expect(permits.take(0)).toBe(false)
  permits.unused()
  expect(permits.take(0)).toBe(true)
})

test('keeps the permit of an unanswered request, however long that takes', () => {
  const permits = new Permits(1)
  permits.take(0)
  expect(permits.nextAtMs(10 * windowMs)).toBeNull()
  expect(permits.take(10 * windowMs)).toBe(false)
})

test('returns no permit twice if an earlier run sent more than there are permits', () => {
  const permits = new Permits(2)
  permits.preload([5_000, 10_000, 10_000])
  expect(permits.take(5_000)).toBe(false)
  expect([permits.take(10_000), permits.take(10_000), permits.take(10_000)]).toEqual([true, true, false])
})

test('counts requests of an earlier run until their window is over', () => {
  const permits = new Permits(2)
  permits.preload([5_000, 10_000])
  expect([permits.take(4_999), permits.take(5_000), permits.take(9_999), permits.take(10_000)]).toEqual([
    false,
    true,
    false,
    true,
  ])
})

test('withholds permits that another client has used for a window, as far as there are any', () => {
  const permits = new Permits(3)
  permits.take(0)
  permits.withhold(5, 1_000)
  expect([permits.free, permits.nextAtMs(1_000)]).toEqual([0, 1_000 + permitHoldMs])
  expect(permits.take(1_000 + permitHoldMs - 1)).toBe(false)
  expect(permits.take(1_000 + permitHoldMs)).toBe(true)
  // The third permit belongs to a request without an answer.
  expect([permits.take(1_000 + permitHoldMs), permits.take(10 * windowMs)]).toEqual([true, false])
})

test('has a free permit immediately; the next one comes back a window after the earliest answer', () => {
  const permits = new Permits(2)
  expect(permits.nextAtMs(7)).toBe(7)
  permits.take(0)
  permits.take(0)
  permits.answered(100)
  permits.answered(200)
  expect(permits.nextAtMs(300)).toBe(100 + permitHoldMs)
  expect(permits.nextAtMs(100 + permitHoldMs)).toBe(100 + permitHoldMs)
  expect(permits.free).toBe(1)
})

test('never has more permits than the limit, whatever is returned', () => {
  const permits = new Permits(1)
  permits.take(0)
  permits.answered(0)
  permits.answered(0)
  expect(permits.nextAtMs(windowMs * 2)).toBe(windowMs * 2)
  expect(permits.free).toBe(1)
})

test('returns the permits of an earlier run in the order of time, given in any order, and leaves the others free', () => {
  const permits = new Permits(4)
  permits.preload([9_000, 5_000, 7_000])
  expect([permits.free, permits.take(0), permits.take(0)]).toEqual([1, true, false])
  expect([permits.nextAtMs(0), permits.take(5_000), permits.take(5_000)]).toEqual([5_000, true, false])
  expect([permits.nextAtMs(5_000), permits.take(9_000), permits.take(9_000), permits.take(9_000)]).toEqual([
    7_000,
    true,
    true,
    false,
  ])
})
