import { expect, test } from 'vitest'
import { sampleEveryMs } from '../../src/model/status/sample.ts'
import { hasStalled } from '../../src/supervisor/backfill-stall.ts'

const monotonicMs = 3_600_000

/** Creates a backfill whose last progress was this long ago. */
function withoutProgressFor(ms: number) {
  const samples = Array.from({ length: 361 }, (_, index) => {
    const atMs = monotonicMs - (360 - index) * sampleEveryMs
    const backfillMark = atMs > monotonicMs - ms - sampleEveryMs ? 100 : 99
    return { atMs, lagBytes: 0, requestsLastMinute: 0, backfillMark, delivery: null }
  })
  return { mark: 100, samples, monotonicMs }
}

test('a backfill has stalled after a quarter of an hour without progress', () => {
  expect(hasStalled(withoutProgressFor(800_000))).toBe(false)
  expect(hasStalled(withoutProgressFor(900_000))).toBe(true)
})

test('the time in which the machine was suspended does not count', () => {
  const stalled = withoutProgressFor(2_000_000)
  const asleep = stalled.samples.filter((_, index) => index < 200 || index > 350)
  expect(hasStalled(stalled)).toBe(true)
  expect(hasStalled({ ...stalled, samples: asleep })).toBe(false)
  expect(hasStalled({ ...stalled, samples: [] })).toBe(false)
})
