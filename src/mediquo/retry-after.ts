/** Servers round down: a second more than they say. */
const marginMs = 1_000

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
  // Only texts with a month's name are dates: a bare number with a sign would parse as a year.
  if (!/^[A-Z][a-z]+,? .*\d/.test(text)) return null
  const rfc850 = /^[A-Z][a-z]+, (\d\d)-([A-Z][a-z]{2})-(\d\d) (.*)$/.exec(text)
  const asctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/.test(text)
  const normalised = rfc850 ? `${rfc850[1]} ${rfc850[2]} 20${rfc850[3]} ${rfc850[4]}` : asctime ? `${text} GMT` : text
  const at = Date.parse(normalised)
  if (Number.isNaN(at) || at < nowEpochMs) return null
  return at - nowEpochMs + marginMs
}
