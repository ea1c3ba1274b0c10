import { setMaxListeners } from 'node:events'

/** Resolves when the signal aborts, immediately if it has aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * Returns a controller whose signal may have any number of listeners, such as requests in flight. Node treats more than ten
 * listeners as a leak, and writes a warning between the lines of the log.
 */
export function sharedAbort(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}
