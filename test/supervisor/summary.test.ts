import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Status } from '../../src/model/status/status.ts'
import { type Summary, summarise, summaryOf } from '../../src/supervisor/summary.ts'
import { quietStatus } from '../support/quiet-status.ts'

const quiet: Status = {
  ...quietStatus,
  source: { ...quietStatus.source, lagBytes: 5 },
  delivery: { ...quietStatus.delivery, delivered: 40, unchanged: 7 },
}
const later = (delivery: Partial<Status['delivery']>, rest: Partial<Status> = {}): Status => ({
  ...quiet,
  ...rest,
  delivery: { ...quiet.delivery, ...delivery },
})

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('the summary counts the work since the last one', () => {
  const now = later({ delivered: 100, unchanged: 9, pending: 3, requestsLastMinute: 12 }, { deadLetters: 2 })
  expect(summaryOf(quiet, now)).toEqual({
    state: 'streaming',
    delivered: 60,
    unchanged: 2,
    pending: 3,
    deadLetters: 2,
    lagBytes: 5,
    requestsLastMinute: 12,
  })
})

test.each([
  ['nothing happens', quiet, false],
  ['something waits', later({ pending: 1 }), true],
  ['a row was rejected', later({}, { deadLetters: 1 }), true],
  ['the state is another', later({}, { state: 'blocked' }), true],
])('%s', (_, now, speaks) => {
  expect(summaryOf(quiet, now) !== null).toBe(speaks)
})

test('the summary is logged once a minute while something changes, and not after it was ended', () => {
  const said: Summary[] = []
  let delivered = 0
  const end = summarise(
    () => later({ delivered: delivered++ }),
    (summary) => said.push(summary),
  )
  vi.advanceTimersByTime(180_000)
  end()
  vi.advanceTimersByTime(180_000)
  expect(said.map((summary) => summary.delivered)).toEqual([1, 1, 1])
})
