import { describe, expect, test } from 'vitest'
import { get, jane, put, send, testSandbox } from '../sandbox-client.ts'

test('a status may have any headers and a body that is not JSON', async () => {
  await using sandbox = await testSandbox()
  sandbox.faults.add({ kind: 'status', status: 503, headers: { 'retry-after': '7' }, body: '<h1>Sorry</h1>' })
  const reply = await put(sandbox, [jane])
  expect([reply.status, reply.headers.get('retry-after'), reply.body]).toEqual([503, '7', '<h1>Sorry</h1>'])
  expect(sandbox.patients().size).toBe(0)
})

test('a rejection names the given patients', async () => {
  await using sandbox = await testSandbox()
  sandbox.faults.add({ kind: 'reject', indexes: [1], attribute: 'email' })
  const reply = await put(sandbox, [jane, { ...jane, code: 'two' }])
  expect([reply.status, reply.body]).toMatchObject([422, { errors: { 'patients.1.email': expect.anything() } }])
})

describe('a request that fails after it was applied', () => {
  test.each([
    ['an error', 502],
    ['a reset connection', 'reset'],
  ] as const)('is answered with %s, and its patients are in the store', async (_, answer) => {
    await using sandbox = await testSandbox()
    sandbox.faults.add({ kind: 'fail after applying', answer })
    const status = await put(sandbox, [jane]).then(
      (reply) => reply.status,
      () => 'reset',
    )
    expect(status).toBe(answer)
    expect(sandbox.patients().has('jane')).toBe(true)
  })

  test('gets its own answer if it is invalid', async () => {
    await using sandbox = await testSandbox()
    sandbox.faults.add({ kind: 'fail after applying' })
    expect((await put(sandbox, [])).status).toBe(422)
  })
})

test('a reset connection has applied nothing', async () => {
  await using sandbox = await testSandbox()
  sandbox.faults.add({ kind: 'reset' })
  await expect(put(sandbox, [jane])).rejects.toThrow()
  expect(sandbox.patients().size).toBe(0)
  expect(sandbox.requests).toMatchObject([{ codes: ['jane'], status: null, accepted: false, fault: 'reset' }])
})

test('a server that is down answers no request until it is up again', async () => {
  await using sandbox = await testSandbox()
  sandbox.faults.add({ kind: 'down' })
  await expect(put(sandbox, [jane])).rejects.toThrow()
  await expect(get(sandbox, 'jane')).rejects.toThrow()
  sandbox.faults.clear()
  expect((await put(sandbox, [jane])).status).toBe(200)
})

describe('a held request', () => {
  test('is applied when it is released', async () => {
    await using sandbox = await testSandbox()
    sandbox.faults.add({ kind: 'hold', id: 'first' })
    const answer = put(sandbox, [jane])
    await sandbox.faults.whenHeld('first')
    expect(sandbox.patients().size).toBe(0)
    sandbox.faults.release('first')
    expect((await answer).status).toBe(200)
    expect(sandbox.patients().size).toBe(1)
  })

  test('may have been applied already, with only the answer held', async () => {
    await using sandbox = await testSandbox()
    sandbox.faults.add({ kind: 'hold', id: 'first', when: 'after applying' })
    const answer = put(sandbox, [jane])
    await sandbox.faults.whenHeld('first')
    expect(sandbox.patients().size).toBe(1)
    sandbox.faults.clear()
    expect((await answer).status).toBe(200)
  })

  test('is applied after its client has gone', async () => {
    await using sandbox = await testSandbox()
    sandbox.faults.add({ kind: 'hold', id: 'first' })
    const client = new AbortController()
    const answer = fetch(`${sandbox.baseUrl}/patients`, {
      method: 'PUT',
      headers: {
        'content-type': 'application/json',
        'x-api-key': 'sandbox-api-key',
        'x-secret-key': 'sandbox-secret-key',
      },
      body: JSON.stringify({ patients: [jane] }),
      signal: client.signal,
    })
    await sandbox.faults.whenHeld('first')
    client.abort()
    await expect(answer).rejects.toThrow()
    sandbox.faults.release('first')
    await expect.poll(() => sandbox.patients().has('jane')).toBe(true)
  })
})

test('an injected 429 reports the time to retry only if told to, and is not counted', async () => {
  await using sandbox = await testSandbox({ settings: { rateLimit: { limit: 2 } } })
  sandbox.faults.add({ kind: '429' })
  sandbox.faults.add({ kind: '429', retryAfter: 57 })
  const [bare, timed] = [await put(sandbox, [jane]), await put(sandbox, [jane])]
  expect([bare.status, bare.headers.get('retry-after')]).toEqual([429, null])
  expect([timed.status, timed.headers.get('retry-after')]).toEqual([429, '57'])
  expect([(await put(sandbox, [jane])).status, (await put(sandbox, [jane])).status]).toEqual([200, 200])
})

describe('a rule against a code', () => {
  test('refuses the whole request and names the patient', async () => {
    await using sandbox = await testSandbox()
    sandbox.reject({ codes: ['jane'], attribute: 'email' })
    const reply = await put(sandbox, [{ ...jane, code: 'good' }, jane])
    expect([reply.status, reply.body]).toMatchObject([422, { errors: { 'patients.1.email': expect.anything() } }])
    expect((await put(sandbox, [{ ...jane, code: 'good' }])).status).toBe(200)
    sandbox.clearRejections()
    expect((await put(sandbox, [jane])).status).toBe(200)
  })

  test('may make the server fail with 5xx', async () => {
    await using sandbox = await testSandbox()
    sandbox.reject({ codes: ['jane'], status: 500 })
    expect((await put(sandbox, [jane])).status).toBe(500)
  })
})

describe('the admin endpoint', () => {
  test('takes faults and rules, and shows the recorded requests', async () => {
    await using sandbox = await testSandbox({ recordPatients: true })
    const admin = (path: string, method = 'GET', body?: unknown) =>
      send(`${sandbox.adminUrl}${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })

    expect((await admin('/faults', 'POST', [{ kind: 'status', status: 503 }, { kind: 'down' }])).body).toEqual({
      ids: [1, 2],
    })
    await admin('/faults/2', 'DELETE')
    expect((await put(sandbox, [jane])).status).toBe(503)
    await admin('/rejections', 'POST', { codes: ['poison'] })
    expect((await put(sandbox, [{ ...jane, code: 'poison' }])).status).toBe(422)
    expect((await put(sandbox, [jane])).status).toBe(200)

    expect((await admin('/patients')).body).toMatchObject([{ code: 'jane' }])
    expect((await admin('/history')).body).toMatchObject([{ order: 1, requestId: 3, codes: ['jane'] }])
    expect((await admin('/requests?after=1')).body).toMatchObject([
      { id: 2, codes: ['poison'], accepted: false, status: 422 },
      { id: 3, codes: ['jane'], accepted: true, status: 200, patients: [jane] },
    ])
    expect((await admin('/state')).body).toMatchObject({
      patients: 1,
      requests: 3,
      byStatus: { 503: 1, 422: 1, 200: 1 },
    })
    expect((await admin('/reset', 'POST')).body).toMatchObject({ patients: 0, requests: 0, rejections: [] })
  })

  test('changes settings and keys, and refuses unknown ones', async () => {
    await using sandbox = await testSandbox()
    const patch = (body: unknown) =>
      send(`${sandbox.adminUrl}/settings`, { method: 'PATCH', body: JSON.stringify(body) })
    expect((await patch({ errorHints: 'no hint', rateLimit: { limit: 5 } })).body).toMatchObject({
      settings: { errorHints: 'no hint', applyDelayMs: 0, rateLimit: { limit: 5, windowMs: 60_000 } },
    })
    expect((await patch({ colour: 'green' })).status).toBe(400)
    const keys = JSON.stringify({ apiKey: 'a', secretKey: 'b' })
    await send(`${sandbox.adminUrl}/keys`, { method: 'PUT', body: keys })
    expect((await put(sandbox, [jane])).status).toBe(401)
    expect((await put(sandbox, [jane], { 'x-api-key': 'a', 'x-secret-key': 'b' })).status).toBe(200)
  })
})
