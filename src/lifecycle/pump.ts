import { backOffMs } from './back-off.ts'
import { wait } from './wait.ts'
import type { WakeUp } from './wake-up.ts'

/** Does work whenever it is rung for, until the signal aborts. A failure is reported and tried again with back-off. */
export async function pump(
  options: {
    readonly wakeUp: WakeUp
    /** @returns whether there may be more to do at once. */
    readonly work: () => Promise<boolean>
    readonly onError: (error: unknown) => void
    /** Looks again after this time even if nobody rings. */
    readonly everyMs?: number
  },
  signal: AbortSignal,
): Promise<void> {
  const stop = () => options.wakeUp.ring()
  signal.addEventListener('abort', stop, { once: true })
  let failures = 0
  while (!signal.aborted) {
    try {
      const more = await options.work()
      failures = 0
      if (!more && !signal.aborted) await options.wakeUp.heard(options.everyMs)
    } catch (error) {
      options.onError(error)
      failures++
      await wait(50 + backOffMs(failures, Math.random(), { baseMs: 100, maxMs: 10_000 }), signal)
    }
  }
  signal.removeEventListener('abort', stop)
}
