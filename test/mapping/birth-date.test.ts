import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileDateFormat, readIsoDate } from '../../src/mapping/birth-date.ts'
import { dayFault } from '../../src/mapping/calendar.ts'

/** Oracle: the engine's calendar in UTC, independent of the code under test. */
function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

const pad = (value: number, width: number) => String(value).padStart(width, '0')
const day = fc
  .record({
    year: fc.integer({ min: 1, max: 9999 }),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 1, max: 31 }),
  })
  .filter(({ year, month, day }) => isDay(year, month, day))
const text = ({ year, month, day }: { year: number; month: number; day: number }) =>
  `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`

const write = {
  yyyy: ({ year }: { year: number }) => pad(year, 4),
  MM: ({ month }: { month: number }) => pad(month, 2),
  M: ({ month }: { month: number }) => String(month),
  dd: ({ day }: { day: number }) => pad(day, 2),
  d: ({ day }: { day: number }) => String(day),
}
const format = fc.tuple(
  fc.shuffledSubarray(['y', 'm', 'd'] as const, { minLength: 3, maxLength: 3 }),
  fc.constantFrom('MM' as const, 'M' as const),
  fc.constantFrom('dd' as const, 'd' as const),
  fc.constantFrom('/', '-', '.', ' ', '. ', '|', '\\', '(', '年'),
)

describe('the calendar', () => {
  it('agrees with the oracle on every day of four centuries, and on invalid days', () => {
    for (let year = 1896; year <= 2296; year += 1) {
      for (let month = 0; month <= 13; month += 1) {
        for (let day = 0; day <= 32; day += 1) {
          const expected = month >= 1 && month <= 12 && day >= 1 && isDay(year, month, day)
          if ((dayFault(year, month, day) === null) !== expected) expect.fail(`${year}-${month}-${day}`)
        }
      }
    }
  })

  it('has the years 1 to 9999', () => {
    expect(dayFault(0, 1, 1)).toBe('date out of range')
    expect(dayFault(1, 1, 1)).toBeNull()
    expect(dayFault(9999, 12, 31)).toBeNull()
    expect(dayFault(10_000, 1, 1)).toBe('date out of range')
  })
})

describe('a date as the server writes it', () => {
  it('is unchanged, with or without a time', () => {
    const time = fc.constantFrom(
      '',
      ' 00:00:00',
      ' 23:59:59.999999',
      ' 00:00:00+00',
      ' 12:30:00.5+00',
      ' 01:00:00+00:00',
    )
    fc.assert(
      fc.property(day, time, (day, time) => {
        expect(readIsoDate(text(day) + time)).toEqual({ date: text(day) })
      }),
    )
  })

  it.each([
    ['infinity', 'date out of range'],
    ['-infinity', 'date out of range'],
    ['0044-03-15 BC', 'date out of range'],
    ['0044-03-15 00:00:00+00 BC', 'date out of range'],
    ['10000-01-01', 'date out of range'],
    ['0000-01-01', 'date out of range'],
    ['1900-02-29', 'not a date'],
    ['2023-13-01', 'not a date'],
    ['1980-1-1', 'not a date'],
    ['80-01-01', 'not a date'],
    ['01.02.1980', 'not a date'],
    ['1980-01-01 00:00:00+02', 'not a date'],
    ['1980-01-01T00:00:00Z', 'not a date'],
    ['1980-01-01\n', 'not a date'],
    ['١٩٨٠-٠١-٠١', 'not a date'],
    ['', 'not a date'],
  ])('is refused as %s', (text, reason) => {
    expect(readIsoDate(text)).toEqual({ reason })
  })
})

describe('a date in a format', () => {
  it('is read in any order and with any separator', () => {
    fc.assert(
      fc.property(day, format, (day, [order, month, dayPart, separator]) => {
        const tokens = order.map((part) => ({ y: 'yyyy', m: month, d: dayPart })[part] as keyof typeof write)
        const read = compileDateFormat(tokens.join(separator))
        const written = tokens.map((token) => write[token](day)).join(separator)
        expect(typeof read === 'function' && read(written)).toEqual({ date: text(day) })
      }),
    )
  })

  it('may have no separators', () => {
    fc.assert(
      fc.property(day, (day) => {
        const read = compileDateFormat('yyyyMMdd')
        expect(typeof read === 'function' && read(text(day).replaceAll('-', ''))).toEqual({ date: text(day) })
      }),
    )
  })

  it('is refused for any other text', () => {
    const read = compileDateFormat('dd/MM/yyyy')
    if (typeof read !== 'function') return expect.fail()
    expect(read('31/12/1999')).toEqual({ date: '1999-12-31' })
    for (const text of [
      '1/2/1980',
      '12/31/1999',
      '31/04/1999',
      '31-12-1999',
      '31/12/99',
      '31/12/19990',
      ' 31/12/1999',
      '',
    ]) {
      expect(read(text)).toEqual({ reason: 'not a date' })
    }
    expect(read('01/01/0000')).toEqual({ reason: 'date out of range' })
  })

  it.each([
    ['dd/MM/yy', /two-digit year/],
    ['dd/MM', /each once/],
    ['dd/MM/yyyy dd', /each once/],
    ['', /each once/],
    ['dMMyyyy', /separator after M or d/],
    ['yyyyMd', /separator after M or d/],
    ['DD/MM/YYYY', /takes yyyy/],
    ['dd MMM yyyy', /takes yyyy/],
    ['dd/MM/yyyyy', /takes yyyy/],
    ['dd/MM/19yyyy', /digits/],
  ])('cannot be %s', (format, fault) => {
    expect(compileDateFormat(format)).toEqual({ fault: expect.stringMatching(fault) })
  })
})
