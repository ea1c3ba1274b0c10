import { expect, test } from 'vitest'
import { Pace } from '../../../src/delivery/quota/pace.ts'

const pace = () => new Pace({ intervalMs: 100, creditMs: 300 })
/** Returns the number of requests that may leave at one moment. */
function atOnce(of: Pace, nowMs: number): number {
  let count = 0
  for (; of.waitMs(nowMs) === 0; count++) of.leave(nowMs)
  return count
}

test('spaces requests by one interval', () => {
  const even = pace()
  even.begin(1_000)
  expect(even.waitMs(1_000)).toBe(0)
  even.leave(1_000)
  expect([even.waitMs(1_000), even.waitMs(1_060), even.waitMs(1_100), even.waitMs(1_500)]).toEqual([100, 40, 0, 0])
})

test('allows skipped requests immediately, up to the credit; the rest is lost', () => {
  const stalled = pace()
  stalled.begin(0)
  expect(atOnce(stalled, 0)).toBe(1)
  expect(atOnce(stalled, 250)).toBe(2)
  expect(atOnce(stalled, 10_000)).toBe(4)
  expect(atOnce(stalled, 10_100)).toBe(1)
})

test('keeps its credit through a time in which nobody wants to send, and gains none', () => {
  const stalled = pace()
  stalled.begin(0)
  stalled.leave(0)
  stalled.idle(300, 5_000)
  expect(atOnce(stalled, 5_000)).toBe(3)
  const even = pace()
  even.begin(0)
  even.leave(0)
  even.idle(50, 60)
  expect(even.waitMs(60)).toBe(40)
  even.idle(60, 5_000)
  expect(atOnce(even, 5_000)).toBe(1)
})

test('has its full credit at a fresh start, and none when it continues an earlier run', () => {
  expect(atOnce(pace(), 5_000)).toBe(4)
  const resumed = pace()
  resumed.begin(5_000)
  expect(atOnce(resumed, 5_000)).toBe(1)
  resumed.begin(1)
  expect(resumed.waitMs(5_000)).toBe(100)
})
