const sizes = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** Formats a number of bytes for a person, as PostgreSQL's `pg_size_pretty` rounds it: in powers of 1024. */
export function sizeInWords(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(sizes.length - 1, Math.floor(Math.log(bytes) / Math.log(1024)))
  const amount = bytes / 1024 ** power
  return `${amount < 10 && power > 0 ? amount.toFixed(1) : Math.round(amount)} ${sizes[power]}`
}

/** Formats a duration for a person. */
export function timeInWords(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`
  return seconds < 129_600 ? `${(seconds / 3_600).toFixed(1)} h` : `${Math.round(seconds / 86_400)} days`
}

/** Returns a whole number with thousands separators. */
export function grouped(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

/** Returns `1 row`, `2 rows`. @param many plural; default: with an s. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}
