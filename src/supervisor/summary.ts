import type { Status } from '../model/status/status.ts'

/** Log entry of once a minute, while something happens. */
export interface Summary {
  readonly state: Status['state']
  /** Delivered since the last summary. */
  readonly delivered: number
  readonly unchanged: number
  readonly pending: number
  readonly deadLetters: number
  readonly lagBytes: number | null
  readonly requestsLastMinute: number
}

/** Returns a summary, or null if nothing was done, nothing waits and nothing has changed. Pure. */
export function summaryOf(before: Status, now: Status): Summary | null {
  const delivered = now.delivery.delivered - before.delivery.delivered
  const unchanged = now.delivery.unchanged - before.delivery.unchanged
  const { pending, requestsLastMinute } = now.delivery
  const isQuiet = delivered === 0 && unchanged === 0 && pending === 0 && now.deadLetters === before.deadLetters
  if (isQuiet && now.state === before.state) return null
  const { state, deadLetters } = now
  return { state, delivered, unchanged, pending, deadLetters, lagBytes: now.source.lagBytes, requestsLastMinute }
}

const everyMs = 60_000

/** Passes a summary to `say` once a minute. @returns a function that stops it. */
export function summarise(status: () => Status, say: (summary: Summary) => void): () => void {
  let before = status()
  const timer = setInterval(() => {
    const now = status()
    const summary = summaryOf(before, now)
    before = now
    if (summary) say(summary)
  }, everyMs)
  return () => clearInterval(timer)
}
