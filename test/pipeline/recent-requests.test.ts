import { expect, test, vi } from 'vitest'
import { Quota } from '../../src/delivery/quota.ts'
import { createSharedBudget, NotedRequests, resumeQuotas } from '../../src/pipeline/recent-requests.ts'

const clocks = { monotonicMs: () => performance.now(), wallClockMs: () => Date.now() }

function quotasOf(requestsPerMinute: number) {
  return { put: new Quota({ requestsPerMinute, ...clocks }), get: new Quota({ requestsPerMinute, ...clocks }) }
}

function budget(requestsPerMinute: number) {
  const quotas = quotasOf(requestsPerMinute)
  const shared = createSharedBudget({
    quotas,
    settings: { mediquo: { requestsPerMinute } } as Parameters<typeof createSharedBudget>[0]['settings'],
  })
  return { get: quotas.get, shared }
}

test('no more requests leave unnoted than a restart takes for granted', async () => {
  const quotas = quotasOf(60_000)
  const noted = new NotedRequests(quotas, 2)
  const { signal } = new AbortController()
  const send = () => quotas.put.next(signal)
  await send()
  await send()
  expect(noted.mustBeNoted).toBe(false)
  await send()
  expect(noted.mustBeNoted).toBe(true)
  await expect(noted.note(() => Promise.reject(new Error('down')))).rejects.toThrow('down')
  expect(noted.mustBeNoted).toBe(true)
  await noted.note(async (requests) => {
    expect(requests.reduce((sum, [, , count]) => sum + count, 0)).toBe(3)
    // It leaves while the note is being written, and is not in it.
    await send()
  })
  await send()
  expect(noted.mustBeNoted).toBe(false)
  await send()
  expect(noted.mustBeNoted).toBe(true)
})

test('what a restart takes for granted is not forgotten by the next one', async () => {
  const restart = async (earlier: ReturnType<typeof quotasOf>) => {
    const quotas = quotasOf(600)
    await new NotedRequests(earlier, 8).note(async (recentRequests) => {
      resumeQuotas(quotas, { recentRequests, run: 2, ageMs: 0 }, 8)
    })
    return quotas
  }
  const second = await restart(await restart(quotasOf(600)))
  expect([second.put.free, second.get.free]).toEqual([600 - 16, 600 - 2])
  // They are not shown as sent.
  expect(second.put.lastMinute).toBe(8)
})

test('a state that was not written for long says nothing of the requests that left unnoted since', () => {
  const quotas = quotasOf(600)
  resumeQuotas(quotas, { recentRequests: [], run: 2, ageMs: 200_000 }, 8)
  expect([quotas.put.free, quotas.get.free]).toEqual([600 - 8, 600])
})

test('what a process has sent itself is not counted again when it becomes the writer once more', async () => {
  const quotas = quotasOf(600)
  await quotas.put.next(new AbortController().signal)
  const recentRequests = quotas.put.recent().map(([second, count]) => [second, 'put', count + 5] as const)
  resumeQuotas(quotas, { recentRequests, run: 3, ageMs: 0 }, 8)
  expect([quotas.put.free, quotas.put.lastMinute]).toEqual([600 - 1 - 5 - 8, 6])
})

test('what another process used by the state counts once, however often it is read', () => {
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

test('a tenth is left to the connector, which cannot see these requests', async () => {
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
