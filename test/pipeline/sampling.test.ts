import { expect, test } from 'vitest'
import { mayReadBack } from '../../src/pipeline/sampling.ts'
import { Drift } from '../../src/verify/drift.ts'

const idle = { mustResolve: false, requestsLastMinute: 0, requestsPerMinute: 600 }

test('reads a row back only with requests that live changes leave unused', () => {
  expect(mayReadBack(idle)).toBe(true)
  expect(mayReadBack({ ...idle, mustResolve: true })).toBe(false)
  expect(mayReadBack({ ...idle, requestsLastMinute: 299 })).toBe(true)
  expect(mayReadBack({ ...idle, requestsLastMinute: 300 })).toBe(false)
  expect(mayReadBack({ ...idle, requestsPerMinute: 8 })).toBe(false)
  expect(mayReadBack({ ...idle, requestsPerMinute: 9 })).toBe(true)
})

test('computes drift as a ratio of the last thousand rows, without pending ones', () => {
  const drift = new Drift()
  expect(drift.ratio).toBe(0)
  for (const result of ['same', 'different', 'pending', 'missing', 'same'] as const) drift.add(result)
  expect(drift.ratio).toBe(0.5)
  for (let n = 0; n < 998; n++) drift.add('same')
  expect(drift.ratio).toBe(1 / 1_000)
})
