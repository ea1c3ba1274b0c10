import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { timestamp } from 'drizzle-orm/pg-core'
import pThrottle from 'p-throttle'
import { BinaryReader } from 'pg-logical-replication/dist/output-plugins/pgoutput/binary-reader.js'
import { Agent, RetryAgent, request } from 'undici'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { listening } from './support/network/listening.ts'
import { newClient } from './support/postgres/connections.ts'

// Behaviour of p-throttle, fetch and the decoder of pg-logical-replication on which the guards in src/delivery, src/mediquo and src/source
// rest. A test that fails after an upgrade shows that a guard can be removed, or has to change.

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

  /** Makes one call, pauses for long, then makes as many calls as fit, and as many again as the next window takes. */
  async function aroundAWindowsEdge(call: () => Promise<void>) {
    const calls = [call()]
    await vi.advanceTimersByTimeAsync(interval - 100)
    for (let i = 1; i < limit; i++) calls.push(call())
    await vi.advanceTimersByTimeAsync(200)
    for (let i = 0; i < limit; i++) calls.push(call())
    await vi.advanceTimersByTimeAsync(1)
    return calls
  }

  test('without strict, nearly two windows of calls happen in one second', async () => {
    const { startedAtMs, call } = throttled({ strict: false })
    await aroundAWindowsEdge(call)
    expect(startedAtMs.filter((at) => at > Date.now() - 1_000)).toHaveLength(2 * limit - 1)
  })

  test('with strict, the sliding window holds', async () => {
    const { startedAtMs, call } = throttled({ strict: true })
    await aroundAWindowsEdge(call)
    expect(startedAtMs.filter((at) => at > Date.now() - interval)).toHaveLength(limit)
  })

  test('with strict, a whole window of calls runs immediately, and then none for a minute', async () => {
    const { startedAtMs, call } = throttled({ strict: true })
    for (let i = 0; i <= limit; i++) void call()
    await vi.advanceTimersByTimeAsync(interval - 1)
    expect(new Set(startedAtMs)).toEqual(new Set([1_000_000]))
    expect(startedAtMs).toHaveLength(limit)
    await vi.advanceTimersByTimeAsync(2)
    expect(startedAtMs).toHaveLength(limit + 1)
  })

  test('after its signal has aborted, queued calls are rejected and new calls run', async () => {
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
  test('follows a 303 to a PUT with a GET, and reports the 200 of that GET', async () => {
    const seen: string[] = []
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      if (request.url === '/login') response.end('{}')
      else response.writeHead(303, { location: '/login' }).end()
    })
    await using started = await listening(server)

    const response = await fetch(`http://127.0.0.1:${started.port}/patients`, { method: 'PUT', body: '{}' })

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

describe('undici', () => {
  test('waits 30 s at most before it tries again, whatever Retry-After says', async () => {
    const server = createServer((_, response) => response.writeHead(429, { 'retry-after': '57' }).end())
    await using started = await listening(server)
    const timers = vi.spyOn(globalThis, 'setTimeout')
    onTestFinished(() => timers.mockRestore())
    const dispatcher = new RetryAgent(new Agent())

    void request(`http://127.0.0.1:${started.port}/`, { dispatcher }).catch(() => undefined)
    await vi.waitFor(() => expect(timers.mock.calls.map(([, ms]) => ms)).toContain(30_000))
    expect(timers.mock.calls.map(([, ms]) => ms)).not.toContain(57_000)
    await dispatcher.destroy()
  })
})

describe('pg', () => {
  test('lets a parameter of the URL win over its own option', () => {
    const connectionString = 'postgres://localhost/hospital?options=-c%20datestyle%3DGerman'
    const client = newClient({ connectionString, options: '-c datestyle=ISO' })
    expect(client).toMatchObject({ connectionParameters: { options: '-c datestyle=German' } })
  })
})

describe('drizzle', () => {
  test('reads a timestamp by the rules of Date, which knows no other date style', () => {
    const column = timestamp('at', { withTimezone: true })
    // The builder's column, as a table makes it.
    const built = (column as unknown as { build(table: object): { mapFromDriverValue(text: string): Date } }).build({})
    expect(built.mapFromDriverValue('1980-02-01 00:00:00+00').toISOString()).toBe('1980-02-01T00:00:00.000Z')
    expect(built.mapFromDriverValue('25.02.1980 00:00:00 UTC').getTime()).toBeNaN()
  })
})

describe('Node', () => {
  test('opens a debugger on SIGUSR1', async () => {
    const script = 'console.log(1); setInterval(() => {}, 1000)'
    const node = spawn(process.execPath, ['--inspect-port=0', '-e', script], { env: {} })
    onTestFinished(() => void node.kill('SIGKILL'))
    let said = ''
    node.stderr.on('data', (text: Buffer) => {
      said += text.toString()
    })
    await new Promise((resolve) => node.stdout.once('data', resolve))
    node.kill('SIGUSR1')
    await vi.waitFor(() => expect(said).toContain('Debugger listening'), 20_000)
  })

  test('changes integers past 2^53 when it parses JSON', () => {
    expect(JSON.stringify(JSON.parse('9007199254740993'))).toBe('9007199254740992')
  })

  test('an exception in a timer ends the process', async () => {
    const node = spawn(process.execPath, ['-e', 'setTimeout(() => { throw new Error() }); setInterval(() => {}, 1000)'])
    onTestFinished(() => void node.kill('SIGKILL'))
    expect(await new Promise((resolve) => node.once('exit', resolve))).toBe(1)
  })
})
