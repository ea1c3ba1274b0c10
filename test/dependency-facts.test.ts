import { createServer } from 'node:http'
import pThrottle from 'p-throttle'
import { BinaryReader } from 'pg-logical-replication/dist/output-plugins/pgoutput/binary-reader.js'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'

// What p-throttle, fetch and pg-logical-replication's decoder do, and the guards in src/delivery, src/mediquo and src/source rest
// on. A test that fails after an upgrade says that a guard can go, or has to change.

describe('p-throttle', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
  afterEach(() => void vi.useRealTimers())

  const limit = 600
  const interval = 60_000

  function throttled(options: { readonly strict: boolean; readonly signal?: AbortSignal }) {
    const startedAtMs: number[] = []
    const call = pThrottle({ limit, interval, ...options })(async () => void startedAtMs.push(Date.now()))
    return { startedAtMs, call }
  }

  /** One call, a long silence, as many as fit, and as many again as the next window takes. */
  async function aroundAWindowsEdge(call: () => Promise<void>) {
    const calls = [call()]
    await vi.advanceTimersByTimeAsync(interval - 100)
    for (let i = 1; i < limit; i++) calls.push(call())
    await vi.advanceTimersByTimeAsync(200)
    for (let i = 0; i < limit; i++) calls.push(call())
    await vi.advanceTimersByTimeAsync(1)
    return calls
  }

  test('without strict, nearly two windows of calls fall into one second', async () => {
    const { startedAtMs, call } = throttled({ strict: false })
    await aroundAWindowsEdge(call)
    expect(startedAtMs.filter((at) => at > Date.now() - 1_000)).toHaveLength(2 * limit - 1)
  })

  test('with strict, the sliding window holds', async () => {
    const { startedAtMs, call } = throttled({ strict: true })
    await aroundAWindowsEdge(call)
    expect(startedAtMs.filter((at) => at > Date.now() - interval)).toHaveLength(limit)
  })

  test('with strict, a whole window of calls runs at once, and then none for a minute', async () => {
    const { startedAtMs, call } = throttled({ strict: true })
    for (let i = 0; i <= limit; i++) void call()
    await vi.advanceTimersByTimeAsync(interval - 1)
    expect(new Set(startedAtMs)).toEqual(new Set([1_000_000]))
    expect(startedAtMs).toHaveLength(limit)
    await vi.advanceTimersByTimeAsync(2)
    expect(startedAtMs).toHaveLength(limit + 1)
  })

  test('after its signal has aborted, what was queued is rejected and new calls run', async () => {
    const stop = new AbortController()
    const { startedAtMs, call } = throttled({ strict: true, signal: stop.signal })
    for (let i = 0; i < limit; i++) void call()
    const queued = call()
    await vi.advanceTimersByTimeAsync(1)
    stop.abort()
    await expect(queued).rejects.toThrow()
    void call()
    await vi.advanceTimersByTimeAsync(1)
    expect(startedAtMs).toHaveLength(limit + 1)
  })
})

describe('fetch', () => {
  test('follows a 303 to a PUT with a GET, and reports that one’s 200', async () => {
    const seen: string[] = []
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      if (request.url === '/login') response.end('{}')
      else response.writeHead(303, { location: '/login' }).end()
    })
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0

    const response = await fetch(`http://127.0.0.1:${port}/patients`, { method: 'PUT', body: '{}' })

    expect(response.status).toBe(200)
    expect(seen).toEqual(['PUT /patients', 'GET /login'])
  })
})

describe('pg-logical-replication', () => {
  test('drops a U+FEFF at the start of every text', () => {
    const bytes = Buffer.from('\ufeff7\ufeff')
    expect(new BinaryReader(bytes).decodeText(bytes)).toBe('7\ufeff')
  })
})
