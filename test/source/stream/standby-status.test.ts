import { assert, bigInt, date, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lsn } from '../../../src/model/source/lsn.ts'
import { encodeStandbyStatus, silenceLimitMs, statusIntervalMs } from '../../../src/source/stream/standby-status.ts'

describe('a standby status', () => {
  test('carries the stored position, and not one byte more', () => {
    const message = encodeStandbyStatus(lsn(0x1_6b3748n), Date.UTC(2020, 0, 1), false)
    expect([1, 9, 17].map((offset) => message.readBigUInt64BE(offset))).toEqual([0x1_6b3748n, 0x1_6b3748n, 0x1_6b3748n])
  })

  test('carries exactly the stored position, three times, and microseconds since 2000', () => {
    const position = bigInt({ min: 0n, max: 2n ** 64n - 1n })
    const moment = date({ min: new Date('2000-01-01T00:00:00Z'), max: new Date('2200-01-01'), noInvalidDate: true })
    assert(
      property(position, moment, (stored, at) => {
        const message = encodeStandbyStatus(lsn(stored), at.getTime(), false)
        expect([1, 9, 17].map((offset) => message.readBigUInt64BE(offset))).toEqual([stored, stored, stored])
        expect(message.readBigInt64BE(25) / 1000n).toBe(BigInt(at.getTime() - Date.UTC(2000, 0, 1)))
        expect([message.length, message.readUInt8(0), message.readUInt8(33)]).toEqual([34, 0x72, 0])
      }),
    )
  })
})

describe('the interval of the status', () => {
  test('is well below wal_sender_timeout, and never too short', () => {
    assert(
      property(integer({ min: 100, max: 2_147_483_647 }), (timeoutMs) => {
        const intervalMs = statusIntervalMs(timeoutMs)
        expect(intervalMs).toBeLessThanOrEqual(timeoutMs / 2)
        expect(intervalMs).toBeGreaterThanOrEqual(50)
        expect(intervalMs).toBeLessThanOrEqual(10_000)
      }),
    )
  })

  test.each([
    [60_000, 10_000],
    [30_000, 7_500],
    [5_000, 1_250],
    [0, 10_000],
  ])('is, for a wal_sender_timeout of %i ms, %i ms', (timeoutMs, intervalMs) => {
    expect(statusIntervalMs(timeoutMs)).toBe(intervalMs)
  })

  test('allows several answers before silence ends the session', () => {
    assert(
      property(integer({ min: 0, max: 2_147_483_647 }), (timeoutMs) => {
        expect(silenceLimitMs(timeoutMs)).toBeGreaterThanOrEqual(4 * statusIntervalMs(timeoutMs))
      }),
    )
  })
})
