import { expect, test } from 'vitest'
import { secondsLeft } from '../../../src/model/progress/backfill-run.ts'

const quota = { batchSize: 100, requestsPerMinute: 600 }

test('the rest of a backfill takes a request for each batch, at the quota', () => {
  expect(secondsLeft({ rowsRead: 0, rowsEstimated: 60_000 }, quota)).toBe(60)
  expect(secondsLeft({ rowsRead: 30_000, rowsEstimated: 60_000 }, quota)).toBe(30)
})

test('an incomplete batch takes a request as well, and a fraction of a second counts as one', () => {
  expect(secondsLeft({ rowsRead: 0, rowsEstimated: 101 }, { batchSize: 100, requestsPerMinute: 1 })).toBe(120)
  expect(secondsLeft({ rowsRead: 0, rowsEstimated: 1 }, quota)).toBe(1)
})

test('a backfill that has read more than was estimated has no rest', () => {
  expect(secondsLeft({ rowsRead: 5_000, rowsEstimated: 4_000 }, quota)).toBe(0)
})
