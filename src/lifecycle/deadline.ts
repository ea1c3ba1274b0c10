/**
 * Returns a signal that aborts with its parent or after a time. `clear` removes the listener from the parent: a parent that lives
 * for months must not collect a listener for every request.
 */
export function deadline(
  parent: AbortSignal,
  ms: number,
): { readonly signal: AbortSignal; readonly clear: () => void } {
  const controller = new AbortController()
  const onAbort = () => controller.abort(parent.reason)
  const timer = setTimeout(() => controller.abort(new DOMException('the time is up', 'TimeoutError')), ms)
  if (parent.aborted) onAbort()
  else parent.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer)
      parent.removeEventListener('abort', onAbort)
    },
  }
}
