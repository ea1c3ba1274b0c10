const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Returns the whole milliseconds of `500ms`, `30s`, `1.5m`, `1h` or `30d`; null if the text is no such duration. */
export function parseDurationMs(text: string): number | null {
  const match = pattern.exec(text.trim())
  const factor = unitMs[match?.[2] ?? '']
  if (match === null || factor === undefined) return null
  const durationMs = Math.round(Number(match[1]) * factor)
  return Number.isSafeInteger(durationMs) ? durationMs : null
}
