import { describe, expect, test } from 'vitest'
import { patientCode } from '../../src/model/patient.ts'
import { answeringServer } from './answering-server.ts'

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

describe('what is asked for', () => {
  test('is JSON, in every request', async () => {
    await using api = await answeringServer({ status: 200, headers: json, body: '{"message":"ok"}' })
    await api.client.put([jane], never)
    await api.client.get(code, never)

    expect(api.seen.map(({ method, headers }) => [method, headers.accept])).toEqual([
      ['PUT', 'application/json'],
      ['GET', 'application/json'],
    ])
  })

  test.each([
    { what: 'a login page', headers: { 'content-type': 'text/html' }, body: '<h1>Sign in</h1>' },
    { what: 'text that looks like JSON', headers: { 'content-type': 'text/plain' }, body: '{"message":"ok"}' },
    { what: 'nothing', headers: json, body: '' },
    { what: 'errors', headers: json, body: '{"message":"no","errors":{}}' },
  ])('$what with status 200 is no delivery', async ({ headers, body }) => {
    await using api = await answeringServer({ status: 200, headers, body })
    expect((await api.client.put([jane], never)).outcome).toMatchObject({ kind: 'retry', inDoubt: true })
  })
})

describe('a 429', () => {
  test.each([
    { retryAfter: '57', ms: 58_000 },
    { retryAfter: '3600', ms: 3_601_000 },
    { retryAfter: 'Mon, 01 Jan 2024 00:02:00 GMT', ms: 121_000 },
    { retryAfter: '-1', ms: 60_000 },
    { retryAfter: 'soon', ms: 60_000 },
  ])('that says $retryAfter pauses for $ms ms', async ({ retryAfter, ms }) => {
    await using api = await answeringServer({ status: 429, headers: { ...json, 'retry-after': retryAfter } })
    expect((await api.client.put([jane], never)).outcome).toEqual({ kind: 'pause', ms })
    expect(api.seen).toHaveLength(1)
  })

  test('that does not say pauses for the documented window', async () => {
    await using api = await answeringServer({ status: 429, headers: json })
    expect((await api.client.put([jane], never)).outcome).toEqual({ kind: 'pause', ms: 60_000 })
  })
})

describe('a 404 for a patient', () => {
  test('in the API’s words says that there is none', async () => {
    await using api = await answeringServer({ status: 404, headers: json, body: '{"message":"Not Found"}' })
    expect((await api.client.get(code, never)).outcome).toEqual({ kind: 'absent' })
  })

  test.each(['<html>Not found</html>', '', '{}', '[]'])('as %j says nothing of the patient', async (body) => {
    await using api = await answeringServer({ status: 404, headers: json, body })
    expect((await api.client.get(code, never)).outcome).toMatchObject({ kind: 'not now', outcome: { kind: 'halt' } })
  })
})
