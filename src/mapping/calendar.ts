const daysInMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Returns the reason why three numbers are no day of the proleptic Gregorian calendar in the years 1 to 9999; null if they are one. */
export function dayFault(year: number, month: number, day: number): 'not a date' | 'date out of range' | null {
  const days = month === 2 && isLeapYear(year) ? 29 : (daysInMonth[month - 1] ?? 0)
  if (day < 1 || day > days) return 'not a date'
  return year < 1 || year > 9999 ? 'date out of range' : null
}

/** Returns a valid day as `Y-m-d`: four digits, two, two. */
export function dateText(year: number, month: number, day: number): string {
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

/**
 * Returns the numbers of a text of exactly the form `Y-m-d`, null for any other. It reads single characters for speed: every row calls it
 * twice.
 */
export function isoDay(text: string): { readonly year: number; readonly month: number; readonly day: number } | null {
  if (text.length !== 10 || text[4] !== '-' || text[7] !== '-') return null
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 7)
  const day = digits(text, 8, 10)
  return year < 0 || month < 0 || day < 0 ? null : { year, month, day }
}

/** Returns the number; -1 if one of the characters is no digit. */
function digits(text: string, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}
