import { expect, test } from 'vitest'
import { Circuit } from '../../src/delivery/circuit.ts'

const most = 0.999

test('while all is well as many requests as allowed may be out', () => {
  const circuit = new Circuit()
  expect(circuit.waitMs(0, 0, 3)).toBe(0)
  expect(circuit.waitMs(0, 2, 3)).toBe(0)
  expect(circuit.waitMs(0, 3, 3)).toBeNull()
})

test('after a failure one trial at a time goes out, further and further apart, at most 30 seconds', () => {
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

test('the first that gets through ends the trouble', () => {
  const circuit = new Circuit()
  circuit.observe({ kind: 'halted', reason: 'key refused' }, 0, most)
  expect(circuit.trouble?.reason).toBe('key refused')
  circuit.observe({ kind: 'well' }, 100, most)
  expect(circuit.trouble).toBeNull()
  expect(circuit.waitMs(100, 5, 8)).toBe(0)
})

test('a 429 pauses everybody once for as long as the server says, and uses up no attempts', () => {
  const circuit = new Circuit()
  circuit.observe({ kind: 'rate limited', ms: 58_000 }, 1_000, most)
  circuit.observe({ kind: 'rate limited', ms: 20_000 }, 1_000, most)
  expect(circuit.waitMs(1_000, 0, 8)).toBe(58_000)
  circuit.observe({ kind: 'well' }, 59_000, most)
  circuit.observe({ kind: 'outage', reason: 'timeout' }, 59_000, most)
  expect(circuit.waitMs(59_000, 0, 8)).toBeLessThan(50)
})

test('an answer to an earlier request does not end a pause that the server asked for', () => {
  const circuit = new Circuit()
  circuit.observe({ kind: 'rate limited', ms: 30_000 }, 0, most)
  circuit.observe({ kind: 'well' }, 10, most)
  expect(circuit.waitMs(10, 0, 8)).toBe(29_990)
})

test('trouble is told with its kind, its reason, and since when: of the same kind since the first', () => {
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

test('a refusal shows that the API is there, unless it refuses everything: only an acceptance ends that', () => {
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

test('after the trouble has ended the next failure is tried again almost immediately, as the first was', () => {
  for (const kind of ['well', 'refused'] as const) {
    const circuit = new Circuit()
    for (let failure = 0; failure < 5; failure++) circuit.observe({ kind: 'outage', reason: 'x' }, 0, most)
    expect(circuit.waitMs(0, 0, 8)).toBeGreaterThan(1_000)
    circuit.observe({ kind }, 60_000, most)
    circuit.observe({ kind: 'outage', reason: 'x' }, 60_000, most)
    expect(circuit.waitMs(60_000, 0, 8)).toBeLessThan(50)
  }
})
