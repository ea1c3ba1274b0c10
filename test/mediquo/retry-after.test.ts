import { assert, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRetryAfterMs } from '../../src/mediquo/retry-after.ts'

const now = Date.parse('2024-01-01T00:00:00Z')
const marginMs = 1_000

describe('Retry-After', () => {
  test('in seconds is respected, plus one second', () => {
    assert(
      property(integer({ min: 0, max: 1_000_000 }), (seconds) => {
        expect(parseRetryAfterMs(String(seconds), now)).toBe(seconds * 1000 + marginMs)
      }),
    )
  })

  test('as a date is respected, plus one second', () => {
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
    ['Mon Jan 15 00:01:00 2024', 14 * 86_400_000 + 61_000],
    ['Mon, 1 Jan 2024 00:01:00 GMT', 61_000],
    ['Mon, 01 Jan 2024 00:00:00 GMT', 1_000],
    ['Saturday, 01-Jan-72 00:00:00 GMT', Date.parse('2072-01-01') - now + 1_000],
    ['Tue, 01 Jan 2097 00:00:00 GMT', Date.parse('2097-01-01') - now + 1_000],
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
    'Wait 2099',
    'Error, 2099',
    'Mon, 01 Jan 2024 00:01:00',
    'Mon, 01 Jan 2024 00:01:00 GMT or so',
    'at Mon, 01 Jan 2024 00:01:00 GMT',
    'at Mon Jan  1 00:01:00 2024',
    'Mon Jan  1 00:01:00 2024 or so',
    'Mon, 01 Jan 2024 24:61:00 GMT',
    'Mon, 01 Jam 2024 00:01:00 GMT',
    // A two-digit year more than fifty years ahead is in the past. RFC 9110, section 5.6.7.
    'Friday, 31-Dec-99 23:59:59 GMT',
  ])('%j is ignored', (header) => {
    expect(parseRetryAfterMs(header, now)).toBeNull()
  })
})
