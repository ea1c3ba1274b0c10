import { describe, expect, test } from 'vitest'
import { type BatchOutcome, mayConcernRows, refusalOf } from '../../src/delivery/outcome.ts'
import { signalOf, signalOfReadBack, signalOfRefusal } from '../../src/delivery/signal.ts'

describe('an answer to a batch', () => {
  test.each<[BatchOutcome, ReturnType<typeof signalOf>]>([
    [{ kind: 'accepted' }, { kind: 'well' }],
    [{ kind: 'isolate', status: 422, named: [] }, { kind: 'refused' }],
    [{ kind: 'split' }, { kind: 'refused' }],
    [
      { kind: 'retry', reason: 'no answer', inDoubt: true, status: null },
      { kind: 'outage', reason: 'no answer' },
    ],
    [
      { kind: 'pause', ms: 7 },
      { kind: 'rate limited', ms: 7 },
    ],
    [
      { kind: 'pause', ms: 7, until: '2030-01-01T00:00:00Z' },
      { kind: 'told to wait', ms: 7, until: '2030-01-01T00:00:00Z' },
    ],
    [
      { kind: 'halt', reason: 'the keys', status: 401 },
      { kind: 'halted', reason: 'the keys' },
    ],
    [
      { kind: 'unexpected success', status: 204 },
      { kind: 'unexpected success', status: 204, isProven: false },
    ],
  ])('%j', (outcome, signal) => {
    expect(signalOf(outcome)).toEqual(signal)
  })
})

test.each([
  ['rejected', 1, { kind: 'well' }],
  ['rejected', 9, { kind: 'well' }],
  ['released', 9, { kind: 'rejecting', status: 403 }],
  ['kept', 1, { kind: 'rejecting', status: 403 }],
  ['kept', 9, { kind: 'refused' }],
] as const)('a refusal although the keys are accepted: %s, of %i rows', (verdict, rows, signal) => {
  expect(signalOfRefusal(verdict, rows, 403)).toEqual(signal)
})

test('reading back proves a success by one patient that is there', () => {
  expect(signalOfReadBack(0, 202)).toEqual({ kind: 'unproven success', status: 202 })
  expect(signalOfReadBack(1, 202)).toEqual({ kind: 'unexpected success', status: 202, isProven: true })
})

test.each([
  [401, true],
  [403, true],
  [406, true],
  [404, false],
  [405, false],
])('a halt by %i may concern the rows: %s', (status, may) => {
  expect(mayConcernRows({ kind: 'halt', reason: '', status })).toBe(may)
})

test('a refusal names the rows, or none of a batch that is too large', () => {
  const named = [{ index: 3, attribute: 'email' }] as unknown as Extract<BatchOutcome, { kind: 'isolate' }>['named']
  expect(refusalOf({ kind: 'isolate', status: 422, named })).toEqual({ reason: 'refused', status: 422, named })
  expect(refusalOf({ kind: 'split' })).toEqual({ reason: 'too large', status: 413, named: [] })
})
