import { setMaxListeners } from 'node:events'

/**
 * A controller whose signal any number may wait for at once, as requests in flight do. Node takes more than ten listeners for a
 * leak, and would say so between the lines of the log.
 */
export function sharedAbort(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}
