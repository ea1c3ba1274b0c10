import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Attempt, haltReasons, haltSentences, putOutcome } from '../../src/mediquo/outcome.ts'

const json = 'application/json'
const success = '{"message":"Success"}'

function answer(status: number, body = success, contentType = json, retryAfter: string | null = null): Attempt {
  return { kind: 'answer', status, contentType, retryAfter, remaining: null, body }
}
const outcome = (attempt: Attempt) => putOutcome(attempt, 0)

describe('a success', () => {
  test.each([
    ['200', answer(200)],
    ['200 with a charset', answer(200, success, 'application/json; charset=utf-8')],
    ['a JSON of its own', answer(200, success, 'application/problem+json')],
    ['the word in other letters', answer(200, '{"message":"success."}')],
    ['more than the documented attribute', answer(200, '{"message":"Success","id":1}')],
  ])('%s is a delivery', (_, attempt) => {
    expect(outcome(attempt)).toEqual({ kind: 'accepted' })
  })

  test.each([
    ['201', answer(201)],
    ['202', answer(202)],
    ['299', answer(299)],
    ['204', answer(204, '', '')],
    ['a page of a proxy', answer(200, '<html>Sign in</html>', 'text/html')],
    ['JSON that is called a page', answer(200, success, 'text/html')],
    ['something that only mentions JSON', answer(200, success, 'text/html; not=application/json')],
    ['a page that is called JSON', answer(200, '<html></html>')],
    ['nothing', answer(200, '')],
    ['JSON that was cut off', answer(200, '{"message":"Succ')],
    ['JSON without a message', answer(200, '{}')],
    ['another attribute', answer(200, '{"status":"ok"}')],
    ['a message that is no text', answer(200, '{"message":true}')],
    ['another wording', answer(200, '{"message":"Patients were stored"}')],
    ['a message of a failure', answer(200, '{"message":"Success: false"}')],
    ['JSON with errors', answer(200, '{"message":"The given data was invalid.","errors":{}}')],
    ['JSON with an empty list of errors', answer(200, '{"message":"Success","errors":[]}')],
    ['a list', answer(200, '[]')],
    ['null', answer(200, 'null')],
    ['a text', answer(200, '"Success"')],
  ])('%s is an unexpected one, which proves nothing', (_, attempt) => {
    const status = attempt.kind === 'answer' ? attempt.status : 0
    expect(outcome(attempt)).toEqual({ kind: 'unexpected success', status })
  })
})

describe('a failure', () => {
  test.each([
    [100, { kind: 'halt', reason: 'not accepted' }],
    [199, { kind: 'halt', reason: 'not accepted' }],
    [300, { kind: 'halt', reason: 'redirected' }],
    [301, { kind: 'halt', reason: 'redirected' }],
    [302, { kind: 'halt', reason: 'redirected' }],
    [303, { kind: 'halt', reason: 'redirected' }],
    [307, { kind: 'halt', reason: 'redirected' }],
    [308, { kind: 'halt', reason: 'redirected' }],
    [399, { kind: 'halt', reason: 'redirected' }],
    [400, { kind: 'isolate', status: 400, named: [] }],
    [401, { kind: 'halt', reason: 'key refused' }],
    [403, { kind: 'halt', reason: 'permission denied' }],
    [404, { kind: 'halt', reason: 'no such endpoint' }],
    [405, { kind: 'halt', reason: 'no such endpoint' }],
    [406, { kind: 'halt', reason: 'not accepted' }],
    [408, { kind: 'retry', reason: 'status 408', inDoubt: true, status: 408 }],
    [413, { kind: 'split' }],
    [415, { kind: 'halt', reason: 'not accepted' }],
    [422, { kind: 'isolate', status: 422, named: [] }],
    [425, { kind: 'retry', reason: 'status 425', inDoubt: true, status: 425 }],
    [429, { kind: 'pause', ms: 60_000 }],
    [500, { kind: 'retry', reason: 'status 500', inDoubt: true, status: 500 }],
    [502, { kind: 'retry', reason: 'status 502', inDoubt: true, status: 502 }],
    [503, { kind: 'retry', reason: 'status 503', inDoubt: true, status: 503 }],
    [504, { kind: 'retry', reason: 'status 504', inDoubt: true, status: 504 }],
    [520, { kind: 'retry', reason: 'status 520', inDoubt: true, status: 520 }],
  ] as const)('%i is %j, with any body', (status, wanted) => {
    for (const [body, contentType] of [
      ['', ''],
      ['<html></html>', 'text/html'],
      ['{"message":"x"}', json],
      ['{"mess', json],
    ] as const)
      expect(outcome(answer(status, body, contentType))).toMatchObject(wanted)
  })

  test.each([
    ['a timeout', { kind: 'no answer', reason: 'timeout', sent: true, code: 'TimeoutError' }, true],
    ['a reset', { kind: 'no answer', reason: 'connection', sent: true, code: 'ECONNRESET' }, true],
    ['a refused connection', { kind: 'no answer', reason: 'connection', sent: false, code: 'ECONNREFUSED' }, false],
  ] as const)('%s is sent again, in doubt if it possibly arrived', (_, attempt, inDoubt) => {
    expect(outcome(attempt)).toEqual({ kind: 'retry', reason: attempt.reason, inDoubt, status: null })
  })

  test('classifies any answer, and takes only a success for one', () => {
    const attempts = fc.record({
      kind: fc.constant('answer' as const),
      status: fc.integer({ min: 100, max: 999 }),
      contentType: fc.oneof(fc.constant(json), fc.string()),
      retryAfter: fc.option(fc.string()),
      remaining: fc.option(fc.nat()),
      body: fc.oneof(fc.string(), fc.json()),
    })
    fc.assert(
      fc.property(attempts, (attempt) => {
        const { kind } = outcome(attempt)
        if (kind === 'accepted') expect(JSON.parse(attempt.body)).toHaveProperty('message')
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a 429 that asks for', () => {
  const paused = (retryAfter: string) => putOutcome(answer(429, '', json, retryAfter), Date.UTC(2024, 0, 1))

  test.each([
    ['ten minutes', '600', { ms: 601_000, until: '2024-01-01T00:10:01Z' }],
    ['six hours', '21600', { ms: 3_600_000, until: '2024-01-01T06:00:01Z' }],
    ['a date', 'Tue, 02 Jan 2024 12:00:00 GMT', { ms: 3_600_000, until: '2024-01-02T12:00:01Z' }],
    ['longer than any date', '9000000000000', { ms: 3_600_000, until: '9999-12-31T00:00:00Z' }],
  ])('%s is told with its end, and tried again after an hour at most', (_, retryAfter, wanted) => {
    expect(paused(retryAfter)).toEqual({ kind: 'pause', ...wanted })
  })

  test('the documented window is an ordinary pause', () => {
    expect(paused('60')).toEqual({ kind: 'pause', ms: 61_000 })
  })
})

describe('the rows that a refusal names', () => {
  const named = (body: unknown) => {
    const found = outcome(answer(422, JSON.stringify(body)))
    return found.kind === 'isolate' ? found.named : null
  }
  test.each([
    [{ errors: { 'patients.3.gender': ['x'], 'patients.17.email': ['y'] } }, [3, 17]],
    [{ message: 'm', errors: { 'patients[3].gender': ['x'] } }, [3]],
    [{ message: 'm', errors: { 'patients[17].gender': ['x'] } }, [17]],
    [{ message: 'patients.5 is wrong', errors: null }, [5]],
    [{ message: 'The patients.5.birth_date field is required. (and 2 more errors)' }, [5]],
    [{ errors: { 'patients.3.gender': ['x'], 'patients.3.email': ['y'] } }, [3]],
    [{ message: 'patients.4.email', errors: { 'patients.3': ['x'] } }, [3]],
    [{ message: 'The given data was invalid.' }, []],
    [{ message: 'x', errors: { patients: ['may not have more than 100 items'] } }, []],
    [{ message: 7, errors: 'patients.3.gender' }, []],
    [{ message: 'x', errors: { 'my_patients.3.gender': ['x'] } }, []],
    [[], []],
    [null, []],
  ])('in %j are %j', (body, indexes) => {
    expect(named(body)?.map(({ index }) => index)).toEqual(indexes)
  })

  test('have the attribute’s name, and no other word of the answer', () => {
    const body = {
      message: 'Jane Doe',
      errors: { 'patients.1.email': ['j@example.org is taken'], 'patients.2.jane': [] },
    }
    expect(named(body)).toEqual([
      { index: 1, attribute: 'email' },
      { index: 2, attribute: null },
    ])
  })

  test('have the first attribute that is named, if there are several', () => {
    expect(named({ errors: { 'patients.1.email': ['x'], 'patients.1.gender': ['y'] } })).toEqual([
      { index: 1, attribute: 'email' },
    ])
  })
})

test('a reason to halt names the fix, and the answer that shows it', () => {
  const wanted = {
    'key refused': /401.*MEDIQUO_API_KEY and MEDIQUO_SECRET_KEY/,
    'permission denied': /403.*ask mediQuo to grant/,
    'no such endpoint': /404.*mediquo\.baseUrl/,
    redirected: /redirects.*mediquo\.baseUrl, or the proxy/,
    'not accepted': /not accept.*mediquo\.baseUrl, or the proxy/,
  }
  for (const reason of haltReasons) expect(haltSentences[reason]).toMatch(wanted[reason])
})
