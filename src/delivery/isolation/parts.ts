/**
 * How many of `count` rows, of which one at least is bad, to ask first. The fewest that leave a power of two: whatever is
 * answered, the row is found in ⌈log₂ count⌉ requests, and if everything is refused in fewer still (4 for 100, not 7).
 */
export function firstPart(count: number): number {
  if (count < 2) return count
  return count - 2 ** (Math.ceil(Math.log2(count)) - 1)
}

export function halves<R>(rows: readonly R[]): [readonly R[], readonly R[]] {
  const middle = Math.ceil(rows.length / 2)
  return [rows.slice(0, middle), rows.slice(middle)]
}
