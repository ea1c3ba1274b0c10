/** Fails the run if a promise is broken, and lets the benchmark continue. */
export type Expect = (isKept: boolean, promise: string) => void

/** Benchmark, which prints its measurements. An exception fails the run. */
export type Benchmark = (print: (line: string) => void, expect: Expect) => Promise<void>

/** Aligns columns of text, the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, at) => Math.max(cell.length, widest[at] ?? 0)),
    [],
  )
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

/** Returns the smallest value that is not below a share `q` (0 to 1) of the values. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}

/** Formats median, 95th and 99th percentile and maximum, in milliseconds. */
export function latencies(values: readonly number[]): string[] {
  return [0.5, 0.95, 0.99, 1].map((q) => quantile(values, q).toFixed(1))
}

export const latencyHeadings = ['median ms', 'p95', 'p99', 'largest']

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}
