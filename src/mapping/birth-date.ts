import type { InvalidReason } from '../model/patient/patient.ts'
import { dateText, dayFault, isoDay } from './calendar.ts'

/** Returns a birth date as `Y-m-d`, or the reason why the text is none. */
export type ReadDate = (text: string) => { readonly date: string } | { readonly reason: InvalidReason }

const notADate = { reason: 'not a date' } as const
const outOfRange = { reason: 'date out of range' } as const

const iso = /^(\d{4,7})-(\d\d)-(\d\d)(?: \d\d:\d\d:\d\d(?:\.\d{1,6})?(?:\+00(?::00)?)?)?( BC)?$/

/**
 * Reads the server's text of a date, timestamp or timestamptz, with DateStyle ISO and TimeZone UTC. It rejects any other offset, because
 * that means that the session's settings are not in force. It returns the day, for a timestamptz the day in UTC.
 */
export const readIsoDate: ReadDate = (text) => {
  const plain = isoDay(text)
  if (plain !== null) {
    const reason = dayFault(plain.year, plain.month, plain.day)
    return reason === null ? { date: text } : { reason }
  }
  if (text === 'infinity' || text === '-infinity') return outOfRange
  const match = iso.exec(text)
  if (match === null) return notADate
  const [, year = '', month = '', day = '', era] = match
  if (era !== undefined || year.length > 4) return outOfRange
  return read(Number(year), Number(month), Number(day))
}

type Part = 'year' | 'month' | 'day'
const parts: Readonly<Record<string, { readonly part: Part; readonly pattern: string }>> = {
  yyyy: { part: 'year', pattern: String.raw`\d{4}` },
  MM: { part: 'month', pattern: String.raw`\d\d` },
  M: { part: 'month', pattern: String.raw`\d\d?` },
  dd: { part: 'day', pattern: String.raw`\d\d` },
  d: { part: 'day', pattern: String.raw`\d\d?` },
}

/** Compiles a format of yyyy, MM or M, dd or d, and separators. Returns the fault of an invalid format. */
export function compileDateFormat(format: string): ReadDate | { readonly fault: string } {
  const order: Part[] = []
  let pattern = ''
  let openEnded = false
  for (const [piece] of format.matchAll(/[A-Za-z]+|[^A-Za-z]+/g)) {
    if (!/[A-Za-z]/.test(piece)) {
      if (/\d/.test(piece)) return { fault: 'a date format must not hold digits' }
      pattern += piece.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`)
      openEnded = false
      continue
    }
    for (const [letters] of piece.matchAll(/(.)\1*/g)) {
      const known = parts[letters]
      if (known === undefined) return { fault: unknownPart(letters) }
      if (openEnded) return { fault: 'a date format needs a separator after M or d' }
      order.push(known.part)
      pattern += `(${known.pattern})`
      openEnded = letters.length === 1
    }
  }
  if (order.toSorted().join() !== 'day,month,year')
    return { fault: 'a date format needs year, month and day, each once' }
  return reader(new RegExp(`^${pattern}$`), order)
}

function unknownPart(letters: string): string {
  if (letters === 'yy') return 'a date format with a two-digit year (yy) cannot tell 1925 from 2025; it needs yyyy'
  return 'a date format takes yyyy, MM or M, dd or d, and separators that are no letters'
}

function reader(pattern: RegExp, order: readonly Part[]): ReadDate {
  const year = order.indexOf('year') + 1
  const month = order.indexOf('month') + 1
  const day = order.indexOf('day') + 1
  return (text) => {
    const match = pattern.exec(text)
    return match === null ? notADate : read(Number(match[year]), Number(match[month]), Number(match[day]))
  }
}

function read(year: number, month: number, day: number): ReturnType<ReadDate> {
  const reason = dayFault(year, month, day)
  return reason === null ? { date: dateText(year, month, day) } : { reason }
}
