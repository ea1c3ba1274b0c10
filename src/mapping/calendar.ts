const daysInMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Why three numbers are no day of the proleptic Gregorian calendar in the years 1 to 9999; null if they are one. */
export function dayFault(year: number, month: number, day: number): 'not a date' | 'date out of range' | null {
  const days = month === 2 && isLeapYear(year) ? 29 : (daysInMonth[month - 1] ?? 0)
  if (day < 1 || day > days) return 'not a date'
  return year < 1 || year > 9999 ? 'date out of range' : null
}

/** `Y-m-d` of a valid day: four digits, two, two. */
export function dateText(year: number, month: number, day: number): string {
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}
