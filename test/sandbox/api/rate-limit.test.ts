import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RateLimiter, type RateLimitRule, type WindowKind, windowKinds } from '../../../src/sandbox/api/rate-limit.ts'

const minuteMs = 60_000
const startMs = 1_700_000_000_000 - (1_700_000_000_000 % minuteMs)

function limiter(kind: WindowKind, limit: number): RateLimiter {
  return new RateLimiter({ kind, limit, windowMs: minuteMs })
}

function allowedAt(limits: RateLimiter, timesMs: readonly number[]): boolean[] {
  return timesMs.map((atMs) => limits.take('client', startMs + atMs).allowed)
}

/** Intervals in milliseconds between requests, often none and sometimes long. */
const gaps = fc.array(
  fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 }), fc.integer({ max: 90_000, min: 0 })),
  {
    maxLength: 200,
  },
)
const rules = fc.record<RateLimitRule>({
  kind: fc.constantFrom(...windowKinds),
  limit: fc.integer({ min: 1, max: 20 }),
  windowMs: fc.constant(minuteMs),
})

function arrivals(gapsMs: readonly number[]): number[] {
  let nowMs = startMs
  return gapsMs.map((gapMs) => {
    nowMs += gapMs
    return nowMs
  })
}

describe('a fixed window', () => {
  test('opens at the first request that it counts and closes a window later', () => {
    expect(allowedAt(limiter('fixed', 2), [30_000, 30_001, 89_999, 90_000, 90_001, 90_002])).toEqual([
      true,
      true,
      false,
      true,
      true,
      false,
    ])
  })

  test('allows twice the limit within one sliding minute', () => {
    expect(allowedAt(limiter('fixed', 2), [0, 59_999, 60_000, 60_001])).toEqual([true, true, true, true])
  })
})

test('closes at the full minute as a clock minute, whenever it was opened', () => {
  expect(allowedAt(limiter('clock minute', 1), [59_000, 59_999, 60_000, 119_999, 120_000])).toEqual([
    true,
    false,
    true,
    false,
    true,
  ])
})

describe('a sliding log', () => {
  test('never allows more than the limit in any window', () => {
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 10 }), (gapsMs, limit) => {
        const limits = limiter('sliding log', limit)
        const allowed = arrivals(gapsMs).filter((nowMs) => limits.take('client', nowMs).allowed)
        for (const [index, atMs] of allowed.entries()) {
          const nextOverMs = allowed[index + limit] ?? Number.POSITIVE_INFINITY
          expect(nextOverMs - atMs).toBeGreaterThanOrEqual(minuteMs)
        }
      }),
    )
  })

  test('counts after thousands of requests as it does after the first ones', () => {
    const limits = limiter('sliding log', 3)
    for (let nowMs = startMs; nowMs < startMs + 5_000 * 20_000; nowMs += 20_000) {
      expect(limits.take('client', nowMs).allowed).toBe(true)
      expect(limits.peek('client', nowMs).allowed).toBe(nowMs < startMs + 40_000)
    }
  })
})

test('a sliding counter weighs the earlier window by the share that still overlaps', () => {
  const limits = limiter('sliding counter', 10)
  const first = Array.from({ length: 10 }, (_, index) => index)
  expect(allowedAt(limits, first)).not.toContain(false)
  expect(limits.peek('client', startMs + 60_000).allowed).toBe(false)
  expect(limits.peek('client', startMs + 90_000).remaining).toBe(5)
  expect(limits.peek('client', startMs + 120_000).remaining).toBe(10)
})

describe('every window', () => {
  test('allows a refused request after the stated wait, and not a second before it', () => {
    fc.assert(
      fc.property(rules, gaps, (rule, gapsMs) => {
        const limits = new RateLimiter(rule)
        for (const nowMs of arrivals(gapsMs)) {
          const { allowed, retryAfterS } = limits.take('client', nowMs)
          expect(allowed).toBe(retryAfterS === null)
          if (retryAfterS === null) continue
          expect(limits.peek('client', Math.max(nowMs, nowMs + retryAfterS * 1000 - 1000)).allowed).toBe(false)
          expect(limits.peek('client', nowMs + retryAfterS * 1000).allowed).toBe(true)
          break
        }
      }),
    )
  })

  test('counts no refusal', () => {
    fc.assert(
      fc.property(rules, gaps, (rule, gapsMs) => {
        const once = new RateLimiter(rule)
        const insistent = new RateLimiter(rule)
        for (const nowMs of arrivals(gapsMs)) {
          const verdict = once.take('client', nowMs)
          expect(insistent.take('client', nowMs)).toEqual(verdict)
          if (!verdict.allowed) for (let again = 0; again < 3; again += 1) insistent.take('client', nowMs)
        }
      }),
    )
  })

  test('reduces the remaining requests by one with each allowed request', () => {
    fc.assert(
      fc.property(rules, (rule) => {
        const limits = new RateLimiter(rule)
        const remaining = Array.from({ length: rule.limit }, () => limits.take('client', startMs).remaining)
        expect(remaining).toEqual(Array.from({ length: rule.limit }, (_, index) => rule.limit - index - 1))
      }),
    )
  })

  test('keeps buckets separate', () => {
    for (const kind of windowKinds) {
      const limits = limiter(kind, 1)
      expect(limits.take('a', startMs).allowed).toBe(true)
      expect(limits.take('b', startMs).allowed).toBe(true)
      expect(limits.take('a', startMs).allowed).toBe(false)
    }
  })
})
