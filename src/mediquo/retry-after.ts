/** Margin added to a server's value, which may be rounded down: one second. */
const marginMs = 1_000

/**
 * Date formats of RFC 9110, section 5.6.7:
 * `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
 */
const dates = [
  /^\w+, (?<day>\d\d?)[ -](?<month>[A-Z][a-z]{2})[ -](?<year>\d{2}|\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^\w+ (?<month>[A-Z][a-z]{2}) [ ]?(?<day>\d\d?) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
]

/** A two-digit year that is further ahead than this belongs to the previous century: RFC 9110, section 5.6.7. */
const furthestMs = 50 * 366 * 86_400_000

/**
 * Returns a `Retry-After` header as milliseconds from now, plus a second; null if it is absent, negative, past or not understood.
 * Accepts seconds and all three HTTP date formats. RFC 9110, section 10.2.3. The value is never reduced.
 */
export function parseRetryAfterMs(header: string | null, nowEpochMs: number): number | null {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) {
    const ms = Number(text) * 1000 + marginMs
    // An integer too large to represent would never let anything be sent again.
    return Number.isSafeInteger(ms) ? ms : null
  }
  // Only these formats are dates: `Date.parse` alone reads a word and a number as a year, and the pause would last for years.
  const date = dates.map((form) => form.exec(text)?.groups).find((found) => found !== undefined)
  if (!date) return null
  const { day, month, year = '', time } = date
  const isShort = year.length === 2
  const at = Date.parse(`${day} ${month} ${isShort ? '20' : ''}${year} ${time} GMT`)
  if (Number.isNaN(at) || at < nowEpochMs || (isShort && at - nowEpochMs > furthestMs)) return null
  return at - nowEpochMs + marginMs
}
