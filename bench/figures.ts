/** Fails the run if a promise is broken, and lets the benchmark go on. */
export type Expect = (isKept: boolean, promise: string) => void

/** A benchmark: it prints what it measured. Whatever it throws fails the run. */
export type Benchmark = (print: (line: string) => void, expect: Expect) => Promise<void>

/** Columns of text under each other, the first to the left, the others to the right. */
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

/** The share `q` (0 to 1) of the values is at or below this one. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}

/** Median, 95th and 99th percentile and the largest, in milliseconds. */
export function latencies(values: readonly number[]): string[] {
  return [0.5, 0.95, 0.99, 1].map((q) => quantile(values, q).toFixed(1))
}

export const latencyHeadings = ['median ms', 'p95', 'p99', 'largest']

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}
