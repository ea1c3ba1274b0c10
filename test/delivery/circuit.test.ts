import { describe, expect, test } from 'vitest'
import { Circuit } from '../../src/delivery/circuit.ts'

const most = 0.999

test('allows as many concurrent requests as configured while there is no trouble', () => {
  const circuit = new Circuit()
  expect(circuit.waitMs(0, 0, 3)).toBe(0)
  expect(circuit.waitMs(0, 2, 3)).toBe(0)
  expect(circuit.waitMs(0, 3, 3)).toBeNull()
})

test('allows one trial at a time after a failure, with growing delays of at most 30 seconds', () => {
  const circuit = new Circuit()
  const waits: number[] = []
  let now = 0
  for (let i = 0; i < 12; i++) {
    circuit.observe({ kind: 'outage', reason: 'status 503' }, now, most)
    const wait = circuit.waitMs(now, 0, 8) ?? Number.NaN
    waits.push(wait)
    now += wait
    expect(circuit.waitMs(now, 0, 8)).toBe(0)
    expect(circuit.waitMs(now, 1, 8)).toBeNull()
  }
  expect(waits[0]).toBeLessThan(50)
  expect(waits.slice(1)).toEqual(waits.slice(1).toSorted((a, b) => a - b))
  expect(Math.max(...waits)).toBeLessThanOrEqual(30_000)
})

test('ends the trouble with the first success', () => {
  const circuit = new Circuit()
  circuit.observe({ kind: 'halted', reason: 'key refused' }, 0, most)
  expect(circuit.trouble?.reason).toBe('key refused')
  circuit.observe({ kind: 'well' }, 100, most)
  expect(circuit.trouble).toBeNull()
  expect(circuit.waitMs(100, 5, 8)).toBe(0)
})

test('pauses all requests once after a 429, for as long as the server says, without counting an attempt', () => {
  const circuit = new Circuit()
  circuit.observe({ kind: 'rate limited', ms: 58_000 }, 1_000, most)
  circuit.observe({ kind: 'rate limited', ms: 20_000 }, 1_000, most)
  expect(circuit.waitMs(1_000, 0, 8)).toBe(58_000)
  circuit.observe({ kind: 'well' }, 59_000, most)
  circuit.observe({ kind: 'outage', reason: 'timeout' }, 59_000, most)
  expect(circuit.waitMs(59_000, 0, 8)).toBeLessThan(50)
})

test('continues a pause that the server asked for after an answer to an earlier request', () => {
  const circuit = new Circuit()
  circuit.observe({ kind: 'rate limited', ms: 30_000 }, 0, most)
  circuit.observe({ kind: 'well' }, 10, most)
  expect(circuit.waitMs(10, 0, 8)).toBe(29_990)
})

test('reports trouble with its kind, its reason, and the time of the first failure of that kind', () => {
  const circuit = new Circuit()
  circuit.observe({ kind: 'outage', reason: 'timeout' }, 1_000, most)
  circuit.observe({ kind: 'outage', reason: 'status 503' }, 2_000, most)
  expect(circuit.trouble).toEqual({ kind: 'outage', reason: 'status 503', sinceMs: 1_000 })
  circuit.observe({ kind: 'halted', reason: 'key refused' }, 3_000, most)
  expect(circuit.trouble).toEqual({ kind: 'halted', reason: 'key refused', sinceMs: 3_000 })
  circuit.observe({ kind: 'rejecting', status: 422 }, 4_000, most)
  expect(circuit.trouble).toEqual({
    kind: 'rejecting',
    reason: 'the API refuses every patient alike (422)',
    sinceMs: 4_000,
  })
  circuit.observe({ kind: 'rate limited', ms: 1_000 }, 5_000, most)
  expect(circuit.trouble).toEqual({ kind: 'rate limited', reason: 'the API answered 429', sinceMs: 5_000 })
})

test('ends an outage with a refusal, but a refusal of everything only with an acceptance', () => {
  const circuit = new Circuit()
  const after = (signal: 'outage' | 'halted') => {
    circuit.observe({ kind: signal, reason: 'x' }, 0, 0)
    circuit.observe({ kind: 'refused' }, 0, 0)
    return circuit.trouble
  }
  expect([after('outage'), after('halted')]).toEqual([null, null])
  circuit.observe({ kind: 'rejecting', status: 422 }, 0, 0)
  circuit.observe({ kind: 'refused' }, 0, 0)
  expect(circuit.trouble?.kind).toBe('rejecting')
  circuit.observe({ kind: 'well' }, 0, 0)
  expect(circuit.trouble).toBeNull()
})

test('tries almost immediately after the first failure that follows the end of trouble', () => {
  for (const kind of ['well', 'refused'] as const) {
    const circuit = new Circuit()
    for (let failure = 0; failure < 5; failure++) circuit.observe({ kind: 'outage', reason: 'x' }, 0, most)
    expect(circuit.waitMs(0, 0, 8)).toBeGreaterThan(1_000)
    circuit.observe({ kind }, 60_000, most)
    circuit.observe({ kind: 'outage', reason: 'x' }, 60_000, most)
    expect(circuit.waitMs(60_000, 0, 8)).toBeLessThan(50)
  }
})

test('sends one request at a time, without a delay, while successes are not documented ones', () => {
  const circuit = new Circuit()
  circuit.observe({ kind: 'unexpected success', status: 204, isProven: false }, 0, most)
  expect([circuit.waitMs(0, 0, 8), circuit.waitMs(0, 1, 8)]).toEqual([0, null])
  expect(circuit.trouble?.reason).toContain('204')
  circuit.observe({ kind: 'unexpected success', status: 204, isProven: true }, 5, most)
  expect([circuit.waitMs(5, 0, 8), circuit.waitMs(5, 1, 8), circuit.trouble?.sinceMs]).toEqual([0, null, 0])
  circuit.observe({ kind: 'well' }, 6, most)
  expect([circuit.trouble, circuit.waitMs(6, 7, 8)]).toEqual([null, 0])
})

test('waits longer and longer while no success is proven, and only a proof ends that', () => {
  const circuit = new Circuit()
  const waits = Array.from({ length: 12 }, () => {
    circuit.observe({ kind: 'unproven success', status: 200 }, 0, most)
    circuit.observe({ kind: 'unexpected success', status: 200, isProven: false }, 0, most)
    expect(circuit.trouble?.kind).toBe('unproven success')
    return circuit.waitMs(0, 0, 8) ?? Number.NaN
  })
  expect(waits).toEqual(waits.toSorted((a, b) => a - b))
  expect(waits.at(-1)).toBeGreaterThan(20_000)
  circuit.observe({ kind: 'unexpected success', status: 200, isProven: true }, 30_000, most)
  expect([circuit.trouble?.kind, circuit.waitMs(30_000, 0, 8)]).toEqual(['unexpected success', 0])
})

test('keeps a long pause that the API asks for, with its end, whatever earlier requests are answered', () => {
  const circuit = new Circuit()
  const hour = 3_600_000
  circuit.observe({ kind: 'told to wait', ms: hour, until: '2024-01-01T06:00:01Z' }, 0, most)
  circuit.observe({ kind: 'well' }, 10, most)
  circuit.observe({ kind: 'outage', reason: 'timeout' }, 20, most)
  circuit.observe({ kind: 'rate limited', ms: 60_000 }, 30, most)
  expect(circuit.trouble).toMatchObject({
    kind: 'told to wait',
    reason: expect.stringContaining('2024-01-01T06:00:01Z'),
  })
  expect(circuit.waitMs(30, 0, 8)).toBe(hour - 30)
  expect([circuit.waitMs(hour, 0, 8), circuit.waitMs(hour, 1, 8)]).toEqual([0, null])
  circuit.observe({ kind: 'told to wait', ms: hour, until: '2024-01-01T06:00:01Z' }, hour, most)
  expect([circuit.waitMs(hour, 0, 8), circuit.trouble?.sinceMs]).toEqual([hour, 0])
  circuit.observe({ kind: 'well' }, 2 * hour, most)
  expect([circuit.trouble, circuit.waitMs(2 * hour, 0, 8)]).toEqual([null, 0])
})

describe('requests that fail while they are in flight at the same time', () => {
  const outage = { kind: 'outage', reason: 'status 503' } as const
  /** Waits after the failures of these requests, and after that of the trial. */
  const waits = (kinds: readonly ('outage' | 'halted')[]) => {
    const circuit = new Circuit()
    const newest = kinds.length
    kinds.forEach((kind, at) => {
      circuit.observe({ kind, reason: 'x' }, at, most, { number: at + 1, newest })
    })
    const first = circuit.waitMs(0, 0, 8) ?? Number.NaN
    circuit.observe(outage, 1_000, most, { number: newest + 1, newest: newest + 1 })
    return { first, second: circuit.waitMs(1_000, 0, 8) ?? Number.NaN }
  }

  test('count as one failure, as long as one of them would make the next request wait', () => {
    const alone = waits(['outage'])
    expect(waits(new Array(8).fill('outage'))).toEqual(alone)
    expect(waits(['outage', 'halted', 'outage', 'halted'])).toEqual(alone)
    expect(alone.second).toBeGreaterThan(alone.first)
  })

  test('count again once something was accepted in between', () => {
    const circuit = new Circuit()
    circuit.observe(outage, 0, most, { number: 1, newest: 3 })
    circuit.observe({ kind: 'well' }, 0, most, { number: 2, newest: 3 })
    circuit.observe(outage, 0, most, { number: 3, newest: 3 })
    expect(circuit.trouble?.kind).toBe('outage')
    expect(circuit.waitMs(0, 0, 8)).toBeGreaterThan(0)
  })
})
