import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Attempt, type Outcome, putOutcome } from '../../src/mediquo/outcome.ts'
import { attributes } from '../../src/model/patient/patient.ts'

// Every answer has a meaning, from any server or proxy. `FUZZ_RUNS` sets the number of attempts.
const numRuns = Number(process.env.FUZZ_RUNS ?? 3_000)
/** Part of every body. The stored outcome must not contain it. */
const mark = 'Zuñiga'

const status = fc.oneof(
  fc.integer({ min: 100, max: 599 }),
  fc.constantFrom(200, 201, 204, 301, 400, 401, 403, 404, 408, 413, 422, 425, 429, 500, 502, 503),
  fc.integer(),
)
const path = fc.oneof(
  fc.tuple(fc.nat(), fc.constantFrom(...attributes, 'surname')).map(([index, name]) => `patients.${index}.${name}`),
  fc.nat(200).map((index) => `patients[${index}].gender`),
  fc.string(),
  fc.constantFrom('patients.-1', 'patients.1e3', 'patients', 'patients.0', '__proto__', `patients.3.${mark}`),
)
const body = fc.oneof(
  fc.string(),
  fc.json(),
  fc.constantFrom('', 'null', '[]', '"Success"', '{"message":"Success"}', '<html></html>', '{"message":"Succ'),
  fc
    .record(
      {
        message: fc.oneof(path, fc.jsonValue()),
        errors: fc.oneof(fc.dictionary(path, fc.jsonValue()), fc.jsonValue()),
      },
      { requiredKeys: [] },
    )
    .map((answer) => JSON.stringify({ ...answer, note: mark })),
)
const contentType = fc.oneof(
  fc.string(),
  fc.constantFrom('application/json', 'APPLICATION/JSON; charset=utf-8', 'application/problem+json', 'text/html'),
)
const retryAfter = fc.option(
  fc.oneof(
    fc.string(),
    fc.nat().map(String),
    fc.bigInt().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    fc.stringMatching(/^[A-Z][a-z]{2,8},? [\w :-]{0,30}$/),
  ),
)
const answer: fc.Arbitrary<Attempt> = fc.record({
  kind: fc.constant('answer' as const),
  status,
  contentType,
  retryAfter,
  remaining: fc.option(fc.nat(), { nil: null }),
  body,
})
const attempt: fc.Arbitrary<Attempt> = fc.oneof(
  { weight: 9, arbitrary: answer },
  fc.record({
    kind: fc.constant('no answer' as const),
    reason: fc.constantFrom('timeout' as const, 'connection' as const),
    sent: fc.boolean(),
    code: fc.string(),
  }),
)
const now = fc.integer({ min: 0, max: 4e12 })

describe('any answer', () => {
  test('is a delivery only if it is 200, declared as JSON, and a JSON object that says success and has no errors', () => {
    fc.assert(
      fc.property(attempt, now, (tried, nowMs) => {
        const accepted = putOutcome(tried, nowMs).kind === 'accepted'
        expect(accepted).toBe(tried.kind === 'answer' && saysSuccess(tried))
      }),
      { numRuns },
    )
  })

  test('that was possibly applied is in doubt when it is sent again', () => {
    fc.assert(
      fc.property(attempt, now, (tried, nowMs) => {
        const outcome = putOutcome(tried, nowMs)
        if (outcome.kind !== 'retry') return
        expect(outcome.inDoubt).toBe(tried.kind === 'answer' || tried.sent)
      }),
      { numRuns },
    )
  })

  test('pauses for a finite time, names rows by their index, and keeps nothing else of its text', () => {
    fc.assert(
      fc.property(attempt, now, (tried, nowMs) => {
        const outcome = putOutcome(tried, nowMs)
        if (outcome.kind === 'pause') expect(Number.isSafeInteger(outcome.ms) && outcome.ms >= 1_000).toBe(true)
        if (outcome.kind === 'isolate') expectPlaces(outcome)
        expect(JSON.stringify(outcome)).not.toContain(mark)
      }),
      { numRuns },
    )
  })
})

function saysSuccess(tried: Extract<Attempt, { kind: 'answer' }>): boolean {
  if (tried.status !== 200) return false
  const [type = ''] = tried.contentType.toLowerCase().split(/[^a-z0-9/+._-]/)
  if (type !== 'application/json' && !(type.startsWith('application/') && type.endsWith('+json'))) return false
  try {
    const said: unknown = JSON.parse(tried.body)
    if (typeof said !== 'object' || said === null || Array.isArray(said)) return false
    if (!('message' in said) || typeof said.message !== 'string' || 'errors' in said) return false
    return ['success', 'success.', 'success!'].includes(said.message.trim().toLowerCase())
  } catch {
    return false
  }
}

function expectPlaces({ named }: Extract<Outcome, { kind: 'isolate' }>): void {
  for (const { index, attribute } of named) {
    expect(Number.isSafeInteger(index) && index >= 0).toBe(true)
    expect(attribute === null || attributes.some((name) => name === attribute)).toBe(true)
  }
  expect(new Set(named.map(({ index }) => index)).size).toBe(named.length)
}
