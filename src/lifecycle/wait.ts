/** Longest delay of a timer, milliseconds (24.8 days): a timer with a longer one fires immediately. Node.js manual, `setTimeout`. */
export const longestTimerMs = 2 ** 31 - 1

/** Waits, at most 24.8 days, or returns early when the signal aborts. Never rejects. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, Math.min(ms, longestTimerMs))
    signal.addEventListener('abort', end, { once: true })
  })
}
