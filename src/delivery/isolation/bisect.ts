/**
 * Returns how many of `count` rows, at least one of them bad, to send first: the fewest that leave a power of two. Whatever the
 * answers, the row is found in ⌈log₂ count⌉ requests, and in fewer if everything is refused (4 for 100, not 7).
 */
export function firstProbeSize(count: number): number {
  if (count < 2) return count
  return count - 2 ** (Math.ceil(Math.log2(count)) - 1)
}

export function halves<R>(rows: readonly R[]): [readonly R[], readonly R[]] {
  const middle = Math.ceil(rows.length / 2)
  return [rows.slice(0, middle), rows.slice(middle)]
}
