/** A read may not keep a statement open for long, nor bring more than fits. */
const most = { rows: 500, bytes: 1024 * 1024, ms: 200 }
/** The first read finds out what rows weigh. */
export const firstPageSize = 50

/** How many rows the next read asks for, from what the last one took. Between 1 and 500. */
export function nextPageSize(last: { readonly limit: number; readonly ms: number; readonly bytes: number }): number {
  const { limit, ms, bytes } = last
  if (bytes > most.bytes || ms > most.ms) return Math.max(1, Math.floor(limit / 2))
  if (bytes * 2 <= most.bytes && ms * 2 <= most.ms) return Math.min(most.rows, limit * 2)
  return limit
}
