import { assert, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRetryAfterMs } from '../../src/mediquo/retry-after.ts'

const now = Date.parse('2024-01-01T00:00:00Z')
const marginMs = 1_000

describe('Retry-After', () => {
  test('in seconds is honoured whole, and a second more', () => {
    assert(
      property(integer({ min: 0, max: 1_000_000 }), (seconds) => {
        expect(parseRetryAfterMs(String(seconds), now)).toBe(seconds * 1000 + marginMs)
      }),
    )
  })

  test('as a date is honoured whole, and a second more', () => {
    assert(
      property(integer({ min: 0, max: 1_000_000 }), (seconds) => {
        const date = new Date(now + seconds * 1000).toUTCString()
        expect(parseRetryAfterMs(date, now)).toBe(seconds * 1000 + marginMs)
      }),
    )
  })

  test.each([
    ['Mon, 01 Jan 2024 00:01:00 GMT', 61_000],
    ['Monday, 01-Jan-24 00:01:00 GMT', 61_000],
    ['Mon Jan  1 00:01:00 2024', 61_000],
    [' 57 ', 58_000],
    ['0', 1_000],
  ])('%j means %i ms', (header, ms) => {
    expect(parseRetryAfterMs(header, now)).toBe(ms)
  })

  test.each([
    null,
    '',
    '-1',
    '+1',
    '1.5',
    '1e3',
    'soon',
    'Sun, 31 Dec 2023 23:59:59 GMT',
    '2024-01-01T00:01:00Z',
    'NaN',
    '9'.repeat(400),
  ])('%j says nothing', (header) => {
    expect(parseRetryAfterMs(header, now)).toBeNull()
  })
})
