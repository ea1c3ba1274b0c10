/** Share of the full sizes to run with, to try a benchmark out: `BENCH_SCALE`. */
const scale = Number(process.env.BENCH_SCALE ?? 1)

/** Returns a size: the environment variable of this name, or the scaled full size. */
export function size(variable: string, full: number): number {
  return Number(process.env[variable] ?? Math.max(1, Math.round(full * scale)))
}
