import { setTimeout as delay } from 'node:timers/promises'

/** Waits, or returns early when the signal aborts. It never rejects. */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
}
