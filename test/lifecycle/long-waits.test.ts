import { describe, expect, test, vi } from 'vitest'
import { wait } from '../../src/lifecycle/wait.ts'
import { WakeUp } from '../../src/lifecycle/wake-up.ts'

// A `Retry-After` may name any time: a timer of Node that is set for more than 24.8 days fires immediately.
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
