import { expect, test, vi } from 'vitest'
import { wait } from '../../src/lifecycle/wait.ts'

// A `Retry-After` may contain any time. A Node timer of more than 24.8 days would fire immediately.
describe.each([2 ** 31, 1e15, Number.POSITIVE_INFINITY])('a wait of %d ms', (ms) => {
  test.each([
    ['wait', (signal: AbortSignal) => wait(ms, signal)],
    ['a wake-up', () => new WakeUp().heard(ms)],
  ])('%s is not over after a day', async (_, begin) => {
    vi.useFakeTimers()
    try {
      const stop = new AbortController()
      let over = false
      const waiting = begin(stop.signal).then(() => {
        over = true
      })
      await vi.advanceTimersByTimeAsync(86_400_000)
      expect(over).toBe(false)
      await vi.advanceTimersByTimeAsync(2 ** 31)
      await waiting
      expect(over).toBe(true)
    } finally {
      vi.useRealTimers()
    }
  })
})
