import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { mostIn, quota, saturate, startMs } from './saturated.ts'

beforeEach(() => void vi.useFakeTimers({ now: startMs }))
afterEach(() => void vi.useRealTimers())

describe('after a restart', () => {
  const second = startMs / 1_000
  /** Returns the time of the first request, if the earlier run used up everything this number of seconds ago. */
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

  test('requests of an earlier run count for a window, from the end of the second in which they were sent', async () => {
    expect(await firstAfter(30)).toEqual([0, 31_100])
    expect(await firstAfter(60)).toEqual([0, 1_100])
    expect(await firstAfter(62)).toEqual([600, 0])
  })

  test('a clock that was set back makes them neither older nor count for longer', async () => {
    expect(await firstAfter(-100)).toEqual([0, 60_100])
  })

  test('requests of an earlier run count among those of the last minute', () => {
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

  test('requests possibly sent without a note count as sent now, and for the next run, but not as known', () => {
    const budget = quota()
    budget.resume([[second, 2]], 5)
    expect([budget.free, budget.lastMinute, budget.recent()]).toEqual([593, 2, [[second, 7]]])
    vi.setSystemTime(startMs + 62_000)
    expect(budget.recent()).toEqual([])
  })

  test('requests possibly sent at full pace for a time count by their age, including the possible credit', async () => {
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
    // At most as fast as the earlier run is assumed to have been.
    expect(startedAtMs.length).toBeGreaterThan(80)
    expect(mostIn(1_000, startedAtMs)).toBeLessThanOrEqual(11)
  })

  test('there is no credit after a restart', async () => {
    const budget = quota()
    budget.resume([], 0)
    const { startedAtMs } = saturate(budget, { answerMs: 100 })
    await vi.advanceTimersByTimeAsync(999)
    expect(startedAtMs).toHaveLength(10)
  })
})
