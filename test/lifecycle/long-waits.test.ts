import { expect, test, vi } from 'vitest'
import { wait } from '../../src/lifecycle/wait.ts'

// A `Retry-After` may name any time: a timer of Node that is set for more than 24.8 days fires immediately.
test.each([2 ** 31, 1e15, Number.POSITIVE_INFINITY])('a wait of %d ms is not over after a day', async (ms) => {
  vi.useFakeTimers()
  try {
    let over = false
    const waiting = wait(ms, new AbortController().signal).then(() => {
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
