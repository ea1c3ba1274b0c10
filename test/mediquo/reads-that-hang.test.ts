import { createServer } from 'node:http'
import { afterEach, expect, test, vi } from 'vitest'
import { sharedAbort } from '../../src/lifecycle/abort.ts'
import { maxReadsInFlight } from '../../src/model/api-limits.ts'
import { type PatientCode, patientCode } from '../../src/model/patient/patient.ts'
import { connectProxy } from '../support/network/connect-proxy.ts'
import { listening } from '../support/network/listening.ts'
import { until } from '../support/until.ts'
import { clientOf } from './answering-server.ts'

const jane = { code: patientCode('jane'), first_name: 'Jane' } as const
const never = new AbortController().signal
/** Ends a request that would wait for a read. */
const limit = () => AbortSignal.timeout(10_000)

afterEach(() => {
  vi.unstubAllEnvs()
})

/** Starts an API that accepts every PUT. A GET hangs: it is not answered at all, or its body comes a space at a time and never ends. */
async function hangingGets(how: 'silent' | 'endless body', { requestTimeoutMs = 300_000, isProxied = false } = {}) {
  const server = createServer((request, response) => {
    request.resume()
    const isGet = request.method === 'GET'
    if (isGet) scene.gets++
    if (isGet && how === 'silent') return
    response.writeHead(200, { 'content-type': 'application/json' })
    if (!isGet) {
      response.end('{"message":"Success"}')
      return
    }
    const timer = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(timer))
  })
  const started = await listening(server)
  const proxy = isProxied ? await connectProxy({ to: started.port }) : null
  vi.stubEnv('HTTP_PROXY', proxy ? `http://127.0.0.1:${proxy.port}` : '')
  vi.stubEnv('NO_PROXY', '')
  const api = clientOf(`http://127.0.0.1:${started.port}/v1`, requestTimeoutMs)
  const stop = sharedAbort()
  const reading: Promise<unknown>[] = []
  const scene = {
    client: api.client,
    reads: api.reads,
    tunnels: proxy?.asked ?? [],
    /** Number of GETs that have arrived. */
    gets: 0,
    /** Begins to read patients. */
    read(patients: number): void {
      for (let n = 0; n < patients; n++) reading.push(api.client.get(code(n), stop.signal))
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(reading)
      await api[Symbol.asyncDispose]()
      await proxy?.[Symbol.asyncDispose]()
      await started[Symbol.asyncDispose]()
    },
  }
  return scene
}

function code(n: number): PatientCode {
  return patientCode(`p${n}`)
}

test.each(['silent', 'endless body'] as const)('reads that hang (%s) take no connection of a PUT', async (how) => {
  await using api = await hangingGets(how)
  api.read(30)
  await until(() => api.gets >= 2)
  expect((await api.client.put([jane], limit())).outcome).toEqual({ kind: 'accepted' })
})

test('neither do they through a proxy', async () => {
  await using api = await hangingGets('silent', { isProxied: true })
  api.read(30)
  await until(() => api.gets >= 2)
  expect((await api.client.put([jane], limit())).outcome).toEqual({ kind: 'accepted' })
  expect(api.tunnels.length).toBeGreaterThan(2)
})

test('those of the core leave connections for the verification of rows and for the check of the keys', async () => {
  await using api = await hangingGets('silent')
  api.read(maxReadsInFlight)
  await until(() => api.gets === maxReadsInFlight)
  api.read(2)
  await until(() => api.gets === maxReadsInFlight + 2)
})

test('a body that never ends is given up like an answer that does not come', async () => {
  await using api = await hangingGets('endless body', { requestTimeoutMs: 300 })
  expect((await api.client.get(jane.code, never)).outcome).toMatchObject({
    kind: 'not now',
    outcome: { kind: 'retry', reason: 'timeout' },
  })
  expect(api.reads).toHaveLength(1)
})

test('a read that its caller gives up says nothing of the API', async () => {
  const api = await hangingGets('silent')
  api.read(1)
  await until(() => api.gets === 1)
  await api[Symbol.asyncDispose]()
  expect(api.reads).toEqual([])
})
