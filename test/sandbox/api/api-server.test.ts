import { describe, expect, test } from 'vitest'
import { get, jane, put, send, testSandbox } from '../sandbox-client.ts'

const manyCodes = ['a/b', 'a%b', '%2F', 'a?b#c', 'ñ é', 'a+b', '🙂']

describe('PUT /v1/patients', () => {
  test('stores the patients and reports that', async () => {
    await using sandbox = await testSandbox()
    const reply = await put(sandbox, [jane, { ...jane, code: 'plan', plan: 'premium' }])
    expect([reply.status, reply.body]).toEqual([200, { message: 'Success' }])
    expect(sandbox.patients().get('plan')).toMatchObject({ plan: 'premium', unsubscribed_at: null })
    expect(sandbox.patients().get('jane')?.unsubscribed_at).not.toBeNull()
  })

  test('succeeds or fails as a whole', async () => {
    await using sandbox = await testSandbox()
    const reply = await put(sandbox, [jane, { ...jane, code: 'bad', gender: 'x' }])
    expect([reply.status, reply.body]).toEqual([
      422,
      {
        message: 'The given data was invalid.',
        errors: { 'patients.1.gender': ['The selected patients.1.gender is invalid.'] },
      },
    ])
    expect(sandbox.patients().size).toBe(0)
  })

  test('cannot be read before it is applied', async () => {
    await using sandbox = await testSandbox({ settings: { applyDelayMs: 3_600_000 } })
    expect((await put(sandbox, [jane])).status).toBe(200)
    expect((await get(sandbox, 'jane')).status).toBe(404)
  })

  test('can be read once it is applied', async () => {
    await using sandbox = await testSandbox({ settings: { applyDelayMs: 10 } })
    await put(sandbox, [jane])
    await sandbox.applied()
    expect((await get(sandbox, 'jane')).status).toBe(200)
  })

  test('sends a client that does not ask for JSON to another page', async () => {
    await using sandbox = await testSandbox()
    const reply = await put(sandbox, [], { accept: '*/*' })
    expect([reply.status, reply.headers.get('location')]).toEqual([302, '/'])
  })

  test('is refused when it is not JSON or not declared as JSON', async () => {
    await using sandbox = await testSandbox()
    const broken = await send(`${sandbox.baseUrl}/patients`, { method: 'PUT', body: '{"patients":[' })
    const untold = await put(sandbox, [jane], { 'content-type': 'text/plain' })
    expect([broken.status, untold.status]).toEqual([400, 400])
  })

  test('is refused when it is too large', async () => {
    await using sandbox = await testSandbox({ settings: { maxBodyBytes: 20 } })
    expect((await put(sandbox, [jane])).status).toBe(413)
  })
})

describe('GET /v1/patients/{code}', () => {
  test('answers with the documented attributes', async () => {
    await using sandbox = await testSandbox({ nowMs: () => Date.UTC(2026, 0, 1) })
    await put(sandbox, [{ ...jane, email: 'jane@doe.com', plan: 'premium' }])
    const date = '2026-01-01 00:00:00+0000'
    expect((await get(sandbox, 'jane')).body).toEqual({
      ...jane,
      last_name: null,
      email: 'jane@doe.com',
      plan: 'premium',
      created_at: date,
      updated_at: date,
      unsubscribed_at: null,
    })
  })

  test.each(manyCodes)('finds the code %s', async (code) => {
    await using sandbox = await testSandbox()
    await put(sandbox, [{ ...jane, code }])
    expect((await get(sandbox, code)).body).toMatchObject({ code })
  })

  test('does not know every code', async () => {
    await using sandbox = await testSandbox()
    expect((await get(sandbox, 'nobody')).status).toBe(404)
  })
})

describe('keys', () => {
  test.each([
    { 'x-api-key': undefined },
    { 'x-secret-key': undefined },
    { 'x-api-key': 'wrong' },
    { 'x-secret-key': 'wrong' },
  ])('%j gets 401', async (changes) => {
    await using sandbox = await testSandbox()
    expect((await put(sandbox, [jane], changes)).status).toBe(401)
  })

  test('without the permission get 403', async () => {
    await using sandbox = await testSandbox()
    sandbox.setKeys({ apiKey: 'a', secretKey: 'b', permitted: false })
    expect((await put(sandbox, [jane], { 'x-api-key': 'a', 'x-secret-key': 'b' })).status).toBe(403)
  })

  test('that are revoked get 401 until they are valid again', async () => {
    await using sandbox = await testSandbox()
    sandbox.faults.add({ kind: 'keys revoked' })
    expect([(await put(sandbox, [jane])).status, (await get(sandbox, 'jane')).status]).toEqual([401, 401])
    sandbox.faults.clear()
    expect((await put(sandbox, [jane])).status).toBe(200)
  })
})

test('other paths and methods are refused', async () => {
  await using sandbox = await testSandbox()
  const unknown = await send(`${sandbox.baseUrl}/doctors`, { method: 'GET' })
  const post = await send(`${sandbox.baseUrl}/patients`, { method: 'POST', body: '{}' })
  expect([unknown.status, post.status, post.headers.get('allow')]).toEqual([404, 405, 'PUT'])
})

describe('the rate limit', () => {
  const rateLimit = { limit: 2, windowMs: 60_000 }

  function remaining(reply: { headers: Headers }): string | null {
    return reply.headers.get('x-ratelimit-remaining')
  }

  test('counts refused and failed requests, reports the remaining ones, and does not count its own refusals', async () => {
    let nowMs = Date.UTC(2026, 0, 1)
    await using sandbox = await testSandbox({ settings: { rateLimit }, nowMs: () => nowMs })
    sandbox.faults.add({ kind: 'status', status: 500 })
    const replies = [await put(sandbox, [jane]), await put(sandbox, []), await put(sandbox, [jane])]
    expect(replies.map((reply) => reply.status)).toEqual([500, 422, 429])
    expect(replies.map(remaining)).toEqual(['1', '0', '0'])
    expect(replies[2]?.headers.get('x-ratelimit-limit')).toBe('2')
    expect(replies[2]?.headers.get('retry-after')).toBe('60')
    nowMs += 60_000
    expect(remaining(await put(sandbox, [jane]))).toBe('1')
  })

  test('is one for each endpoint, or one for both', async () => {
    await using sandbox = await testSandbox({ settings: { rateLimit } })
    await put(sandbox, [jane])
    expect(remaining(await get(sandbox, 'jane'))).toBe('1')
    sandbox.configure({ rateLimit: { shared: true } })
    await put(sandbox, [jane])
    expect(remaining(await get(sandbox, 'jane'))).toBe('0')
  })

  test('may report the time to retry as a date, or not at all', async () => {
    await using sandbox = await testSandbox({
      settings: { rateLimit: { ...rateLimit, limit: 1 }, retryAfter: 'date' },
      nowMs: () => Date.UTC(2026, 0, 1),
    })
    await put(sandbox, [jane])
    expect((await put(sandbox, [jane])).headers.get('retry-after')).toBe('Thu, 01 Jan 2026 00:01:00 GMT')
    sandbox.configure({ retryAfter: 'absent' })
    expect((await put(sandbox, [jane])).headers.get('retry-after')).toBeNull()
  })
})
