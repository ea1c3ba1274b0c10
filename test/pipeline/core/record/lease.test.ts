import { describe, expect, test } from 'vitest'
import { Lease } from '../../../../src/pipeline/core/record/lease.ts'

/** A request takes at most 32 s with its margin, and may leave up to 5 s after the beginning of the write. */
const requestTimeoutMs = 30_000

/** Writes with a lease that is asked for at this time, and stored at another. */
function write(lease: Lease, atMs: number, storedAtMs: number): number | null {
  const lengthMs = lease.ask(atMs, true)
  lease.stored(storedAtMs)
  return lengthMs
}

describe('a request may leave', () => {
  test('only after a write that began a lease, and only if it is over before the lease ends', () => {
    const lease = new Lease(requestTimeoutMs)
    expect(lease.covers(0)).toBe(false)
    const lengthMs = write(lease, 1_000, 1_010) ?? 0
    expect(lengthMs).toBe(37_000)
    expect([lease.covers(1_010), lease.covers(6_000), lease.covers(6_001)]).toEqual([true, true, false])
    // The last one that may leave is given up two seconds before the lease ends.
    expect(6_000 + requestTimeoutMs).toBe(1_000 + lengthMs - 2_000)
  })

  test('by a lease that counts from the beginning of the write, not from its answer', () => {
    const lease = new Lease(requestTimeoutMs)
    write(lease, 0, 4_000)
    expect([lease.covers(5_000), lease.covers(5_001)]).toEqual([true, false])
  })

  test('not by a write that asked for none, or whose answer was lost', () => {
    const lease = new Lease(requestTimeoutMs)
    lease.ask(0, false)
    lease.stored(10)
    expect(lease.covers(10)).toBe(false)
    lease.ask(20, true)
    lease.failed()
    expect(lease.covers(30)).toBe(false)
  })

  test('by an earlier lease after a write that failed', () => {
    const lease = new Lease(requestTimeoutMs)
    write(lease, 0, 10)
    lease.ask(100, true)
    lease.failed()
    expect([lease.covers(5_000), lease.covers(5_001)]).toEqual([true, false])
  })

  test('after writes as slow as the store is', () => {
    const lease = new Lease(requestTimeoutMs)
    write(lease, 0, 8_000)
    expect(lease.covers(8_000)).toBe(false)
    expect(write(lease, 8_000, 16_000)).toBe(56_000)
    expect(lease.covers(16_000)).toBe(true)
    write(lease, 20_000, 20_010)
    expect(write(lease, 30_000, 30_010)).toBe(37_000)
  })
})

describe('the lease', () => {
  test('follows the timeout of a request', () => {
    expect(new Lease(1_000).ask(0, true)).toBe(1_300)
    expect(new Lease(3_600_000).ask(0, true)).toBe(3_607_000)
  })

  test('is released by a write while no request is out, once, and covers nothing from then on', () => {
    const lease = new Lease(requestTimeoutMs)
    write(lease, 0, 10)
    lease.requestLeft(20)
    expect(lease.ask(30, false)).toBeNull()
    lease.stored(40)
    lease.requestOver(20, false)
    expect(lease.isReleasable(50)).toBe(true)
    expect(lease.ask(50, false)).toBe(0)
    expect(lease.covers(50)).toBe(false)
    lease.stored(60)
    expect([lease.isReleasable(60), lease.ask(70, false)]).toEqual([false, null])
  })

  test('is not released while a request without an answer may still be applied', () => {
    const lease = new Lease(requestTimeoutMs)
    write(lease, 0, 10)
    lease.requestLeft(20)
    lease.requestOver(20, true)
    expect(lease.outUntilMs(30_020)).toBe(32_020)
    expect([lease.ask(32_019, false), lease.ask(32_020, false)]).toEqual([null, 0])
  })

  test('is released again if the answer to its release was lost', () => {
    const lease = new Lease(requestTimeoutMs)
    write(lease, 0, 10)
    expect(lease.ask(20, false)).toBe(0)
    lease.failed()
    expect([lease.covers(30), lease.ask(30, false)]).toEqual([false, 0])
  })
})

describe('the lease of another process', () => {
  test('stays in the store, and lets nothing leave, until it is over', () => {
    const lease = new Lease(requestTimeoutMs)
    lease.othersUntil(10_000)
    expect([lease.waitsUntilMs(9_999), lease.waitsUntilMs(10_000)]).toEqual([10_000, null])
    expect(write(lease, 1_000, 1_010)).toBeNull()
    expect([lease.covers(1_010), lease.isReleasable(1_010)]).toEqual([false, false])
    expect(write(lease, 10_000, 10_010)).toBe(37_000)
    expect(lease.covers(10_010)).toBe(true)
  })

  test('is not shortened by a later take-over', () => {
    const lease = new Lease(requestTimeoutMs)
    lease.othersUntil(10_000)
    lease.othersUntil(0)
    expect(lease.waitsUntilMs(5_000)).toBe(10_000)
  })
})
