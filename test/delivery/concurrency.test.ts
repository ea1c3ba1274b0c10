import { expect, test } from 'vitest'
import { Concurrency } from '../../src/delivery/concurrency.ts'

/** Answers one request after another. */
const answer = (concurrency: Concurrency, ms: number, failed: boolean) => {
  number++
  concurrency.answered({ number, newest: number }, ms, failed)
}
let number = 0

const settled = (requestsPerMinute: number, ms: number, most = 8) => {
  const concurrency = new Concurrency({ requestsPerMinute, most })
  for (let left = 200; left > 0; left--) answer(concurrency, ms, false)
  return concurrency
}

test.each([
  [600, 20, 2],
  [600, 200, 4],
  [600, 500, 8],
  [60, 500, 2],
  [6_000, 50, 8],
])('at %i requests a minute and answers after %i ms, allows %i concurrent requests', (requestsPerMinute, ms, limit) => {
  expect(settled(requestsPerMinute, ms).limit).toBe(limit)
})

test('keeps room for the next requests when some answers are slow', () => {
  const concurrency = settled(600, 100)
  const before = concurrency.limit
  for (let left = 50; left > 0; left--) answer(concurrency, left % 10 === 0 ? 2_000 : 100, false)
  expect(concurrency.limit).toBeGreaterThan(before)
})

test('falls to one after failures, and rises again after successes', () => {
  const concurrency = settled(600, 400)
  const before = concurrency.limit
  for (let left = 5; left > 0; left--) answer(concurrency, 30_000, true)
  expect(concurrency.limit).toBe(1)
  answer(concurrency, 400, false)
  expect(concurrency.limit).toBe(2)
  for (let left = 20; left > 0; left--) answer(concurrency, 400, false)
  expect(concurrency.limit).toBe(before)
})

test('never exceeds the limit', () => {
  expect(settled(6_000, 2_000, 3).limit).toBe(3)
  expect(new Concurrency({ requestsPerMinute: 600, most: 1 }).limit).toBe(1)
})

test('is halved once by requests that fail at the same time, and again by one that left afterwards', () => {
  const concurrency = settled(600, 500)
  const newest = number + 8
  for (let at = number + 1; at <= newest; at++) concurrency.answered({ number: at, newest }, 30_000, true)
  expect(concurrency.limit).toBe(4)
  concurrency.answered({ number: newest + 1, newest: newest + 1 }, 30_000, true)
  expect(concurrency.limit).toBe(2)
})
