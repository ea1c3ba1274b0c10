import { expect, test, vi } from 'vitest'
import { Quota } from '../../src/delivery/quota/quota.ts'
import { createSharedBudget, recentRequests, resumeQuotas } from '../../src/pipeline/recent-requests.ts'

const clocks = { monotonicMs: () => performance.now(), wallClockMs: () => Date.now() }

function quotasOf(requestsPerMinute: number) {
  return { put: new Quota({ requestsPerMinute, ...clocks }), get: new Quota({ requestsPerMinute, ...clocks }) }
}

function budget(requestsPerMinute: number) {
  const quotas = quotasOf(requestsPerMinute)
  const shared = createSharedBudget(quotas, { requestsPerMinute })
  return { get: quotas.get, shared }
}

test('counts the requests of the last minute for both endpoints', async () => {
  const quotas = quotasOf(60_000)
  const { signal } = new AbortController()
  await Promise.all([quotas.put.next(signal), quotas.put.next(signal), quotas.get.next(signal)])
  const sum = (endpoint: string) =>
    recentRequests(quotas).reduce((total, [, name, count]) => total + (name === endpoint ? count : 0), 0)
  expect([sum('put'), sum('get')]).toEqual([2, 1])
})

test('passes the requests that one restart assumes on to the next restart', () => {
  const restart = (earlier: ReturnType<typeof quotasOf>) => {
    const quotas = quotasOf(600)
    resumeQuotas(quotas, { recentRequests: recentRequests(earlier), epoch: 2, ageMs: 0 }, 8)
    return quotas
  }
  const second = restart(restart(quotasOf(600)))
  expect([second.put.free, second.get.free]).toEqual([600 - 16, 600 - 2])
  // Assumed requests are not shown as sent.
  expect(second.put.lastMinute).toBe(8)
})

test('assumes unnoted requests of PUT, but none of GET, when the store was not written for a long time', () => {
  const quotas = quotasOf(600)
  resumeQuotas(quotas, { recentRequests: [], epoch: 2, ageMs: 200_000 }, 8)
  expect([quotas.put.free, quotas.get.free]).toEqual([600 - 8, 600])
})

test('does not count its own requests again when it becomes the writer again', async () => {
  const quotas = quotasOf(600)
  await quotas.put.next(new AbortController().signal)
  const recentRequests = quotas.put.recent().map(([second, count]) => [second, 'put', count + 5] as const)
  resumeQuotas(quotas, { recentRequests, epoch: 3, ageMs: 0 }, 8)
  expect([quotas.put.free, quotas.put.lastMinute]).toEqual([600 - 1 - 5 - 8, 6])
})

test('counts the requests of another process in the store once, however often they are read', () => {
  const { get, shared } = budget(600)
  const now = Math.floor(Date.now() / 1000)
  shared.count([
    [now, 'get', 3],
    [now, 'put', 9],
  ])
  shared.count([[now, 'get', 3]])
  expect([get.lastMinute, get.free]).toEqual([3, 597])
  shared.count([[now, 'get', 5]])
  expect([get.lastMinute, get.free]).toEqual([5, 595])
})

test('leaves a tenth of the budget to the connector, which does not see the requests of this process', async () => {
  vi.useFakeTimers()
  try {
    const { shared } = budget(20)
    const stop = new AbortController()
    let granted = 0
    const asking = (async () => {
      while (await shared.next(stop.signal)) granted++
    })()
    await vi.advanceTimersByTimeAsync(59_000)
    expect(granted).toBe(18)
    stop.abort()
    await vi.runAllTimersAsync()
    await asking
  } finally {
    vi.useRealTimers()
  }
})
