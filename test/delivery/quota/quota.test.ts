import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Quota } from '../../../src/delivery/quota/quota.ts'
import { mostIn, quota, saturate, startMs } from './saturated.ts'

const never = new AbortController().signal

beforeEach(() => void vi.useFakeTimers({ now: startMs }))
afterEach(() => void vi.useRealTimers())

describe('a saturated client', () => {
  test('is paced evenly from its first request', async () => {
    const { startedAtMs } = saturate(quota(), { answerMs: 100 })
    await vi.advanceTimersByTimeAsync(30_000)
    expect(mostIn(100, startedAtMs)).toBe(1)
    expect(startedAtMs.filter((at) => at < 30_000)).toHaveLength(300)
  })

  test('makes up for a stall of up to a second', async () => {
    const { startedAtMs } = saturate(quota(), { answerMs: 100 })
    const during = async (stallMs: number) => {
      const before = startedAtMs.length
      vi.setSystemTime(Date.now() + stallMs)
      await vi.advanceTimersByTimeAsync(10_000 - stallMs)
      return startedAtMs.length - before
    }
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await during(0)).toBe(100)
    expect(await during(700)).toBe(100)
    expect(await during(4_000)).toBe(70)
  })

  test('never starts more than the limit in any minute, and uses nearly all of it', async () => {
    const { startedAtMs } = saturate(quota(), { answerMs: 100 })
    await vi.advanceTimersByTimeAsync(5 * 60_000)
    expect(mostIn(60_000, startedAtMs)).toBeLessThanOrEqual(600)
    expect(startedAtMs.length).toBeGreaterThan(5 * 600 * 0.98)
  })

  test('waits a minute from the answer, not from the request', async () => {
    const { startedAtMs } = saturate(quota(1), { answerMs: 30_000 })
    await vi.advanceTimersByTimeAsync(90_000)
    expect(startedAtMs).toEqual([0])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(startedAtMs).toHaveLength(2)
  })
})

test('a client that was idle is paced evenly, without credit', async () => {
  const budget = quota()
  const startedAtMs: number[] = []
  const send = async () => {
    const permit = await budget.next(never)
    startedAtMs.push(Date.now() - startMs)
    permit?.answered()
  }
  void send()
  await vi.advanceTimersByTimeAsync(5_990)
  for (let i = 0; i < 30; i++) void send()
  await vi.advanceTimersByTimeAsync(3_000)

  expect(startedAtMs).toHaveLength(31)
  expect(startedAtMs[1]).toBe(5_990)
  expect(mostIn(100, startedAtMs)).toBe(1)
})

describe('after the signal has aborted', () => {
  test('grants no permit, however many are free', async () => {
    const budget = quota()
    expect(await budget.next(AbortSignal.abort())).toBeNull()
    expect(budget.free).toBe(600)
  })

  test('grants none to a call that waits for its turn', async () => {
    const budget = quota(60)
    const stop = new AbortController()
    await budget.next(stop.signal)
    const waiting = budget.next(stop.signal)
    stop.abort()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await waiting).toBeNull()
    expect(budget.free).toBe(59)
  })

  test('grants none to a call that waits for a permit', async () => {
    const budget = quota(1)
    const stop = new AbortController()
    await budget.next(stop.signal)
    const waiting = budget.next(stop.signal)
    await vi.advanceTimersByTimeAsync(61_000)
    stop.abort()
    expect(await waiting).toBeNull()
  })
})

test.each([
  ['back', -3_600_000],
  ['forward', 3_600_000],
])('a wall clock that is set %s by an hour has almost no effect', async (_, stepMs) => {
  const budget = new Quota({
    requestsPerMinute: 600,
    monotonicMs: () => performance.now(),
    wallClockMs: () => Date.now(),
  })
  const { startedAtMs } = saturate(budget, { answerMs: 100 })
  await vi.advanceTimersByTimeAsync(10_000)
  vi.setSystemTime(Date.now() + stepMs)
  const before = startedAtMs.length
  await vi.advanceTimersByTimeAsync(50_000)
  expect(startedAtMs.length - before).toBeGreaterThan(480)
  expect(startedAtMs.length).toBeLessThanOrEqual(600)
})

describe('the remaining requests that the API reports', () => {
  test('lower the budget by what another client has used, for a window', async () => {
    const budget = quota()
    const permit = await budget.next(never)
    permit?.answered(499)
    expect(budget.free).toBe(499)
    await vi.advanceTimersByTimeAsync(60_200)
    const next = await budget.next(never)
    expect(budget.free).toBe(599)
    next?.answered(599)
    expect(budget.free).toBe(599)
  })

  test('never raise the budget, and have no effect if they are missing', async () => {
    const budget = quota(10)
    const permit = await budget.next(never)
    permit?.answered(500)
    const another = budget.next(never)
    await vi.advanceTimersByTimeAsync(10_000)
    ;(await another)?.answered(null)
    expect(budget.free).toBe(8)
  })

  test('ignore own requests in flight', async () => {
    const budget = quota()
    const wanted = Promise.all([budget.next(never), budget.next(never), budget.next(never)])
    await vi.advanceTimersByTimeAsync(1_000)
    const permits = await wanted
    // The server has counted all three by the time that it answers the first.
    for (const permit of permits) permit?.answered(597)
    expect(budget.free).toBe(597)
  })

  test('count once, however many answers report them', async () => {
    const budget = quota()
    const wanted = Promise.all([budget.next(never), budget.next(never), budget.next(never)])
    await vi.advanceTimersByTimeAsync(1_000)
    for (const permit of await wanted) permit?.answered(497)
    expect(budget.free).toBe(497)
  })

  test('sends nothing after a 429 for as long as it says', async () => {
    const budget = quota()
    budget.pause(30_000)
    let left = false
    const next = budget.next(never).then(() => {
      left = true
    })
    await vi.advanceTimersByTimeAsync(29_900)
    expect(left).toBe(false)
    await vi.advanceTimersByTimeAsync(200)
    await next
  })

  test('respects the longest pause, in any order of the pauses', async () => {
    const budget = quota()
    budget.pause(30_000)
    budget.pause(1_000)
    const { startedAtMs } = saturate(budget, { answerMs: 1 })
    await vi.advanceTimersByTimeAsync(29_900)
    expect(startedAtMs).toEqual([])
  })
})

describe('the history of sent requests', () => {
  const leave = async (budget: Quota) => {
    const permit = budget.next(never)
    await vi.advanceTimersByTimeAsync(200)
    return await permit
  }

  test('counts by second, for a minute', async () => {
    const budget = quota()
    const second = startMs / 1_000
    await leave(budget)
    await leave(budget)
    await vi.advanceTimersByTimeAsync(600)
    await leave(budget)
    const all = [
      [second, 2],
      [second + 1, 1],
    ]
    expect([budget.recent(), budget.lastMinute, budget.taken]).toEqual([all, 3, 3])
    vi.setSystemTime(startMs + 61_999)
    expect(budget.lastMinute).toBe(3)
    vi.setSystemTime(startMs + 62_000)
    expect([budget.recent(), budget.lastMinute, budget.taken]).toEqual([[[second + 1, 1]], 1, 3])
  })

  test('leaves out a permit without a request, which is returned immediately', async () => {
    const budget = quota()
    const permits = [await leave(budget), await leave(budget)]
    expect([budget.free, budget.lastMinute]).toEqual([598, 2])
    permits[0]?.unused()
    expect([budget.free, budget.lastMinute, budget.recent().length]).toEqual([599, 1, 1])
    permits[1]?.unused()
    expect([budget.free, budget.lastMinute, budget.recent()]).toEqual([600, 0, []])
  })
})

test('an abort ends all waits immediately, also during a pause after a 429', async () => {
  const budget = quota()
  budget.pause(3_600_000)
  const stop = new AbortController()
  let ended = 0
  for (let i = 0; i < 4; i++) void budget.next(stop.signal).then(() => ended++)
  await vi.advanceTimersByTimeAsync(5_000)
  stop.abort()
  await vi.advanceTimersByTimeAsync(0)
  expect([ended, vi.getTimerCount()]).toEqual([4, 0])
})
