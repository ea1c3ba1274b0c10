import { wait } from '../lifecycle/wait.ts'
import type { Lsn } from '../model/source/lsn.ts'

const everyMs = 20

/** @returns a function that resolves once the stream has received everything before a position, and rejects once the signal aborts. */
export function streamPassed(receivedLsn: () => Lsn, signal: AbortSignal): (lsn: Lsn) => Promise<void> {
  return async (lsn) => {
    while (receivedLsn() < lsn) {
      signal.throwIfAborted()
      await wait(everyMs, signal)
    }
  }
}
