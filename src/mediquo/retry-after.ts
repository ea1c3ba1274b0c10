/** Servers round down: a second more than they say. */
const marginMs = 1_000

/** RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`. */
const dates = [
  /^\w+, (?<day>\d\d?)[ -](?<month>[A-Z][a-z]{2})[ -](?<year>\d{2}|\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^\w+ (?<month>[A-Z][a-z]{2}) [ ]?(?<day>\d\d?) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
]

/** A year of two digits that lies further ahead is one of the century before: RFC 9110, section 5.6.7. */
const furthestMs = 50 * 366 * 86_400_000

/**
 * A `Retry-After` header as milliseconds from now, plus a second; null if it is absent, negative, past or not understood.
 * Seconds and all three HTTP date forms. RFC 9110, section 10.2.3. It is honoured whole, never cut.
 */
export function parseRetryAfterMs(header: string | null, nowEpochMs: number): number | null {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) {
    const ms = Number(text) * 1000 + marginMs
    // Digits past any number would never let anything be sent again.
    return Number.isSafeInteger(ms) ? ms : null
  }
  // Only these forms are dates: `Date.parse` alone takes a word and a number for a year, and the pause would last for ages.
  const date = dates.map((form) => form.exec(text)?.groups).find((found) => found !== undefined)
  if (!date) return null
  const { day, month, year = '', time } = date
  const isShort = year.length === 2
  const at = Date.parse(`${day} ${month} ${isShort ? '20' : ''}${year} ${time} GMT`)
  if (Number.isNaN(at) || at < nowEpochMs || (isShort && at - nowEpochMs > furthestMs)) return null
  return at - nowEpochMs + marginMs
}
