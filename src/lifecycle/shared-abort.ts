import { setMaxListeners } from 'node:events'

/**
 * Returns a controller whose signal may have any number of listeners, such as requests in flight. Node treats more than ten
 * listeners as a leak, and writes a warning between the lines of the log.
 */
export function sharedAbort(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}
