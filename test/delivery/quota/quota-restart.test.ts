import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { mostIn, quota, saturate, startMs } from './saturated.ts'

beforeEach(() => void vi.useFakeTimers({ now: startMs }))
afterEach(() => void vi.useRealTimers())

describe('after a restart', () => {
  const second = startMs / 1_000
  /** When the first request leaves, if the run before is known to have used up everything so many seconds ago. */
  const firstAfter = async (secondsAgo: number) => {
    vi.setSystemTime(startMs)
    const budget = quota()
    budget.resume([[second - secondsAgo, 600]], 0)
    const { free } = budget
    const stop = new AbortController()
    const { startedAtMs, ended } = saturate(budget, { answerMs: 100, signal: stop.signal })
    await vi.advanceTimersByTimeAsync(61_000)
    stop.abort()
    await vi.advanceTimersByTimeAsync(2_000)
    await ended
    return [free, startedAtMs[0]]
  }

  test('what an earlier run sent counts until a window after it, by the end of the second in which it was sent', async () => {
    expect(await firstAfter(30)).toEqual([0, 31_100])
    expect(await firstAfter(60)).toEqual([0, 1_100])
    expect(await firstAfter(62)).toEqual([600, 0])
  })

  test('a clock that was set back makes it no older than it is, nor does it make it count for longer', async () => {
    expect(await firstAfter(-100)).toEqual([0, 60_100])
  })

  test('it is among what was sent in the last minute', () => {
    const budget = quota()
    budget.resume(
      [
        [second - 30, 5],
        [second - 62, 7],
      ],
      0,
    )
    expect([budget.free, budget.lastMinute, budget.recent(), budget.taken]).toEqual([595, 5, [[second - 30, 5]], 0])
  })

  test('what it may have sent unrecorded counts as sent just now, and for the run after this one, but not as known', () => {
    const budget = quota()
    budget.resume([[second, 2]], 5)
    expect([budget.free, budget.lastMinute, budget.recent()]).toEqual([593, 2, [[second, 7]]])
    vi.setSystemTime(startMs + 62_000)
    expect(budget.recent()).toEqual([])
  })

  test('what it may have sent at its full pace for a time counts by its age, with the credit that it may have had', async () => {
    const budget = quota()
    budget.resume([], 0, 10_000)
    expect(budget.free).toBe(600 - 110)
    const counts = new Map(budget.recent())
    expect(counts.get(second)).toBe(11)
    expect(counts.get(second - 1)).toBe(10)
    expect(counts.get(second - 10)).toBe(9)
    const long = quota()
    long.resume([], 0, 3_600_000)
    expect(long.free).toBe(0)
    const { startedAtMs } = saturate(long, { answerMs: 100 })
    await vi.advanceTimersByTimeAsync(10_000)
    // As fast as the run before is believed to have been, no faster.
    expect(startedAtMs.length).toBeGreaterThan(80)
    expect(mostIn(1_000, startedAtMs)).toBeLessThanOrEqual(11)
  })

  test('there is no credit: the run before left nothing out', async () => {
    const budget = quota()
    budget.resume([], 0)
    const { startedAtMs } = saturate(budget, { answerMs: 100 })
    await vi.advanceTimersByTimeAsync(999)
    expect(startedAtMs).toHaveLength(10)
  })
})
