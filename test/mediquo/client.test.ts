import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { patientCode } from '../../src/model/patient/patient.ts'
import { until } from '../support/until.ts'
import { answeringServer, clientOf } from './answering-server.ts'

const code = patientCode('jane')
const jane = { code, first_name: 'Jane' } as const
const json = { 'content-type': 'application/json' }
const never = new AbortController().signal

describe('a redirect', () => {
  test.each([301, 302, 303, 307, 308])('with %i is not followed, and nothing counts as delivered', async (status) => {
    await using api = await answeringServer({ status, headers: { location: '/v1/elsewhere' } })

    expect((await api.client.put([jane], never)).outcome).toEqual({ kind: 'halt', reason: 'redirected', status })
    expect(api.seen.map(({ method, url }) => `${method} ${url}`)).toEqual(['PUT /v1/patients'])
  })

  test('is not followed when a patient is read back either', async () => {
    await using api = await answeringServer({ status: 302, headers: { location: '/v1/elsewhere' } })

    expect((await api.client.get(code, never)).outcome).toMatchObject({ kind: 'not now', outcome: { kind: 'halt' } })
    expect(api.seen).toHaveLength(1)
  })
})

describe('a request', () => {
  test('contains the patients as JSON in one PUT, with the keys', async () => {
    await using api = await answeringServer({ status: 200, headers: json, body: '{"message":"Success"}' })
    const john = { code: patientCode('john'), first_name: 'John', email: null } as const
    expect((await api.client.put([jane, john], never)).outcome).toEqual({ kind: 'accepted' })

    expect(api.seen).toMatchObject([
      {
        method: 'PUT',
        url: '/v1/patients',
        headers: { 'content-type': 'application/json', 'x-api-key': 'api-key', 'x-secret-key': 'secret-key' },
      },
    ])
    expect(JSON.parse(api.seen[0]?.body ?? '')).toEqual({ patients: [jane, john] })
  })

  test('to read a patient back is a GET without a body, with any code escaped in its path', async () => {
    await using api = await answeringServer({ status: 404, headers: json, body: '{"message":"Not Found"}' })
    await api.client.get(patientCode('a/b ?ñ'), never)

    expect(api.seen).toMatchObject([{ method: 'GET', url: '/v1/patients/a%2Fb%20%3F%C3%B1', body: '' }])
    expect(api.seen[0]?.headers).not.toHaveProperty('content-type')
    expect(api.seen[0]?.headers).toMatchObject({ 'x-api-key': 'api-key', 'x-secret-key': 'secret-key' })
  })

  test('goes to the same URL whether the base URL ends with slashes or not', async () => {
    await using api = await answeringServer({ status: 200, headers: json, body: '{"message":"Success"}' })
    for (const path of ['/v1', '/v1/', '/v1//']) {
      await using other = clientOf(`http://127.0.0.1:${api.port}${path}`)
      await other.client.put([jane], never)
    }
    expect(api.seen.map(({ url }) => url)).toEqual(['/v1/patients', '/v1/patients', '/v1/patients'])
  })
})

describe('the Accept header', () => {
  test('is JSON in every request', async () => {
    await using api = await answeringServer({ status: 200, headers: json, body: '{"message":"Success"}' })
    await api.client.put([jane], never)
    await api.client.get(code, never)

    expect(api.seen.map(({ method, headers }) => [method, headers.accept])).toEqual([
      ['PUT', 'application/json'],
      ['GET', 'application/json'],
    ])
  })

  test.each([
    { what: 'a login page', headers: { 'content-type': 'text/html' }, body: '<h1>Sign in</h1>' },
    { what: 'text that looks like JSON', headers: { 'content-type': 'text/plain' }, body: '{"message":"Success"}' },
    { what: 'nothing', headers: json, body: '' },
    { what: 'JSON that is not called so', headers: {}, body: '{"message":"Success"}' },
    { what: 'errors', headers: json, body: '{"message":"no","errors":{}}' },
  ])('$what with status 200 is no delivery', async ({ headers, body }) => {
    await using api = await answeringServer({ status: 200, headers, body })
    expect((await api.client.put([jane], never)).outcome).toEqual({ kind: 'unexpected success', status: 200 })
  })
})

describe('a 429', () => {
  test.each([
    { retryAfter: '57', ms: 58_000 },
    { retryAfter: '299', ms: 300_000 },
    { retryAfter: 'Mon, 01 Jan 2024 00:02:00 GMT', ms: 121_000 },
    { retryAfter: '-1', ms: 60_000 },
    { retryAfter: 'soon', ms: 60_000 },
  ])('with $retryAfter pauses for $ms ms', async ({ retryAfter, ms }) => {
    await using api = await answeringServer({ status: 429, headers: { ...json, 'retry-after': retryAfter } })
    expect((await api.client.put([jane], never)).outcome).toEqual({ kind: 'pause', ms })
    expect(api.seen).toHaveLength(1)
  })

  test('without Retry-After pauses for the documented window', async () => {
    await using api = await answeringServer({ status: 429, headers: json })
    expect((await api.client.put([jane], never)).outcome).toEqual({ kind: 'pause', ms: 60_000 })
  })
})

describe('a 404 for a patient', () => {
  test('with the API’s text shows that the patient does not exist', async () => {
    await using api = await answeringServer({ status: 404, headers: json, body: '{"message":"Not Found"}' })
    expect((await api.client.get(code, never)).outcome).toEqual({ kind: 'absent' })
  })

  test.each(['<html>Not found</html>', '', '{}', '[]'])('as %j does not show that', async (body) => {
    await using api = await answeringServer({ status: 404, headers: json, body })
    expect((await api.client.get(code, never)).outcome).toMatchObject({ kind: 'not now', outcome: { kind: 'halt' } })
  })
})

describe('a patient that is read back', () => {
  const found = async (status: number, body: string, headers: Readonly<Record<string, string>> = json) => {
    await using api = await answeringServer({ status, headers, body })
    return (await api.client.get(code, never)).outcome
  }

  test('is returned as the API reports it for this code', async () => {
    expect(await found(200, '{"code":"jane","first_name":"Jane"}')).toEqual({
      kind: 'patient',
      attributes: { code: 'jane', first_name: 'Jane' },
    })
  })

  test.each<[string, string]>([
    ['jane', '{"code":"JANE"}'],
    ['JANE', '{"code":"jane"}'],
    ['jane    ', '{"code":"jane"}'],
    ['jos\u00e9', '{"code":"jose\u0301"}'],
    ['7', '{"code":7}'],
    ['12345678901234567890', '{"code":12345678901234567890}'],
  ])('is the one that was asked for, %j, though the code comes as %s', async (asked, body) => {
    await using api = await answeringServer({ status: 200, headers: json, body })
    const { outcome } = await api.client.get(patientCode(asked), never)
    expect(outcome.kind).toBe('patient')
    expect(api.reads).toEqual([[asked, outcome]])
  })

  test('is another one if the code differs in more than its spelling', async () => {
    await using api = await answeringServer({ status: 200, headers: json, body: '{"code":"id7"}' })
    expect((await api.client.get(patientCode('\u0131d7'), never)).outcome.kind).toBe('not now')
  })

  test.each(['{"code":"john"}', '{}', '[]', 'null', '"jane"', '<html></html>', ''])(
    'is unknown after an answer like %j: it is fetched again',
    async (body) => {
      expect(await found(200, body)).toEqual({
        kind: 'not now',
        outcome: { kind: 'retry', reason: 'unintelligible answer', inDoubt: false, status: 200 },
      })
    },
  )

  test.each([
    [503, { kind: 'retry', status: 503 }],
    [429, { kind: 'pause', ms: 60_000 }],
    [401, { kind: 'halt', reason: 'key refused' }],
  ])('is unknown after a %i, which means the same as for a PUT', async (status, outcome) => {
    expect(await found(status, '{"code":"jane","message":"x"}')).toMatchObject({ kind: 'not now', outcome })
  })

  test.each([201, 422, 413])('is unknown after a %i, which has no meaning for a GET', async (status) => {
    expect(await found(status, '{"code":"jane","message":"x"}')).toEqual({
      kind: 'not now',
      outcome: { kind: 'retry', reason: 'unexpected answer', inDoubt: false, status: null },
    })
  })

  test('is unknown without an answer', async () => {
    await using api = clientOf('http://127.0.0.1:1/v1')
    expect((await api.client.get(code, never)).outcome).toMatchObject({
      kind: 'not now',
      outcome: { kind: 'retry', reason: 'connection' },
    })
  })
})

describe('the remaining requests of the API’s window', () => {
  const remaining = async (header: Readonly<Record<string, string>>) => {
    const headers = { ...json, ...header }
    await using api = await answeringServer({ status: 200, headers, body: '{"message":"Success"}' })
    return [(await api.client.put([jane], never)).remaining, (await api.client.get(code, never)).remaining]
  }

  test.each([
    ['0', 0],
    ['599', 599],
  ])('are taken from the header: %s', async (text, wanted) => {
    expect(await remaining({ 'x-ratelimit-remaining': text })).toEqual([wanted, wanted])
  })

  test.each(['-1', '1.5', '1e3', 'many', 'x1', '1x', '12345678901', ''])('are unknown for %j', async (text) => {
    expect(await remaining({ 'x-ratelimit-remaining': text })).toEqual([null, null])
  })

  test('are unknown without the header, or without an answer', async () => {
    expect(await remaining({})).toEqual([null, null])
    await using api = clientOf('http://127.0.0.1:1/v1')
    expect((await api.client.put([jane], never)).remaining).toBeNull()
  })
})

describe('the API’s clock', () => {
  test('is known from the last answer with a date, together with the local time', async () => {
    await using api = await answeringServer({ status: 500, headers: { date: 'Mon, 01 Jan 2024 00:02:00 GMT' } })
    expect(api.client.serverClock).toBeNull()
    await api.client.put([jane], never)
    expect(api.client.serverClock).toEqual({
      serverMs: Date.parse('2024-01-01T00:02:00Z'),
      ownMs: Date.parse('2024-01-01T00:00:00Z'),
    })
  })

  test.each([{ date: 'soon' }, {}])('is unknown for %j', async (headers) => {
    await using api = await answeringServer({ status: 200, headers })
    await api.client.put([jane], never)
    expect(api.client.serverClock).toBeNull()
  })
})

describe('an attempt', () => {
  test('is reported with its endpoint, its status and its duration in seconds', async () => {
    await using api = await answeringServer({ status: 503 })
    const startedAtMs = performance.now()
    await api.client.put([jane], never)
    await api.client.get(code, never)
    const mostSeconds = (performance.now() - startedAtMs) / 1000

    expect(api.attempts.map(([endpoint, status]) => [endpoint, status])).toEqual([
      ['PUT /patients', 503],
      ['GET /patients/{code}', 503],
    ])
    const seconds = api.attempts.map(([, , took]) => took)
    expect(Math.min(...seconds)).toBeGreaterThan(0)
    expect(seconds.reduce((sum, took) => sum + took)).toBeLessThanOrEqual(mostSeconds)
  })

  test('without an answer in time is reported as a timeout, and leaves its patients in doubt', async () => {
    await using api = await answeringServer(null, 300)
    expect((await api.client.put([jane], never)).outcome).toEqual({
      kind: 'retry',
      reason: 'timeout',
      inDoubt: true,
      status: null,
    })
    expect(api.attempts.map(([endpoint, status]) => [endpoint, status])).toEqual([['PUT /patients', 'no answer']])
  })

  test('leaves no listener on a signal that lives for months', async () => {
    const { signal } = new AbortController()
    await using api = await answeringServer({ status: 200 })
    await api.client.put([jane], signal)
    await using nobody = clientOf('http://127.0.0.1:1/v1')
    await nobody.client.put([jane], signal)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('an answer longer than any of the API', () => {
  const answered = async (bytes: number) => {
    const padding = 'x'.repeat(bytes - '{"message":"Success","x":""}'.length)
    const body = `{"message":"Success","x":"${padding}"}`
    await using api = await answeringServer({ status: 200, headers: json, body })
    return (await api.client.put([jane], never)).outcome.kind
  }

  test('is not read to its end, and counts as unintelligible', async () => {
    expect(await answered(262_144)).toBe('accepted')
    expect(await answered(262_145)).toBe('unexpected success')
    expect(await answered(10_000_000)).toBe('unexpected success')
  })
})

test('closing ends the idle connections', async () => {
  await using api = await answeringServer({ status: 200 })
  await api.client.put([jane], never)
  expect(api.connections).toBe(1)
  await api.client.close()
  await until(() => api.connections === 0)
})
