import { Quota } from '../../../src/delivery/quota/quota.ts'

/** Start time of the clocks. */
export const startMs = Date.parse('2024-01-01T00:00:00Z')

/** Creates a quota with the clocks of vitest, from {@link startMs} on. */
export function quota(requestsPerMinute = 600): Quota {
  return new Quota({ requestsPerMinute, monotonicMs: () => Date.now() - startMs, wallClockMs: () => Date.now() })
}

/** Sends without a pause, each request answered after `answerMs`, and records the start of each one. */
export function saturate(
  budget: Quota,
  { answerMs, signal = new AbortController().signal }: { readonly answerMs: number; readonly signal?: AbortSignal },
) {
  const startedAtMs: number[] = []
  const send = async () => {
    for (let permit = await budget.next(signal); permit; permit = await budget.next(signal)) {
      startedAtMs.push(Date.now() - startMs)
      const { answered } = permit
      setTimeout(answered, answerMs)
    }
  }
  return { startedAtMs, ended: send() }
}

/** Returns the maximum number of these times within one such window. */
export function mostIn(windowMs: number, times: readonly number[]): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length))
}
