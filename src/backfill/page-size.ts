/** Limits of a read: it must not keep a statement open for long, nor return more than fits in memory. */
const most = { rows: 500, bytes: 1024 * 1024, ms: 200 }
/** Rows of the first read, which finds out the size of rows. */
export const firstPageSize = 50

/** Returns the number of rows of the next read, from the cost of the last one. Between 1 and 500. */
export function nextPageSize(last: { readonly limit: number; readonly ms: number; readonly bytes: number }): number {
  const { limit, ms, bytes } = last
  if (bytes > most.bytes || ms > most.ms) return Math.max(1, Math.floor(limit / 2))
  if (bytes * 2 <= most.bytes && ms * 2 <= most.ms) return Math.min(most.rows, limit * 2)
  return limit
}
