/**
 * Returns the delay before attempt `attempt` (from 1), milliseconds: full jitter under a doubling ceiling, so that many clients do
 * not return at the same time. @param random from 0 (inclusive) to 1 (exclusive).
 */
export function backOffMs(
  attempt: number,
  random: number,
  options: { readonly baseMs: number; readonly maxMs: number },
): number {
  const ceiling = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt - 1, 30))
  return Math.floor(random * ceiling)
}
