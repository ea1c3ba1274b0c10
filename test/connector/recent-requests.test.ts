import { expect, test, vi } from 'vitest'
import { createSharedBudget } from '../../src/connector/recent-requests.ts'
import { Quota } from '../../src/delivery/quota.ts'

const clocks = { monotonicMs: () => performance.now(), wallClockMs: () => Date.now() }

function budget(requestsPerMinute: number) {
  const quotas = { put: new Quota({ requestsPerMinute, ...clocks }), get: new Quota({ requestsPerMinute, ...clocks }) }
  const shared = createSharedBudget({
    quotas,
    settings: { mediquo: { requestsPerMinute } } as Parameters<typeof createSharedBudget>[0]['settings'],
  })
  return { get: quotas.get, shared }
}

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
