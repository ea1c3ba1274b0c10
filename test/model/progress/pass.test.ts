import { expect, test } from 'vitest'
import { secondsLeft } from '../../../src/model/progress/pass.ts'

const quota = { batchSize: 100, requestsPerMinute: 600 }

test('what is left of a pass takes a request for each batch, at the quota', () => {
  expect(secondsLeft({ rowsRead: 0, rowsEstimated: 60_000 }, quota)).toBe(60)
  expect(secondsLeft({ rowsRead: 30_000, rowsEstimated: 60_000 }, quota)).toBe(30)
})

test('a batch that is not full takes a request as well, and a part of a second is one', () => {
  expect(secondsLeft({ rowsRead: 0, rowsEstimated: 101 }, { batchSize: 100, requestsPerMinute: 1 })).toBe(120)
  expect(secondsLeft({ rowsRead: 0, rowsEstimated: 1 }, quota)).toBe(1)
})

test('a pass that has read more than was estimated has nothing left', () => {
  expect(secondsLeft({ rowsRead: 5_000, rowsEstimated: 4_000 }, quota)).toBe(0)
})
