import { afterEach, expect, test, vi } from 'vitest'
import { patientCode } from '../../src/model/patient/patient.ts'
import { connectProxy } from '../support/network/connect-proxy.ts'
import { tlsFront } from '../support/network/tls-front.ts'
import { until } from '../support/until.ts'
import { answeringServer, clientOf } from './answering-server.ts'

const jane = { code: patientCode('jane'), first_name: 'Jane' } as const
const never = new AbortController().signal
/** Outcome of a request that was certainly not applied and is sent again. */
const unsent = { kind: 'retry', reason: 'connection', inDoubt: false }

afterEach(() => {
  vi.unstubAllEnvs()
})

/** Creates a client whose requests go through a proxy. */
async function proxied(to: 'refuses' | 'hangs up' | 'is silent', requestTimeoutMs?: number) {
  const proxy = await connectProxy({ to })
  vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${proxy.port}`)
  vi.stubEnv('NO_PROXY', '')
  const api = clientOf('https://api.mediquo.test/v1', requestTimeoutMs)
  return {
    ...api,
    asked: proxy.asked,
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
    },
  }
}

test.each(['refuses', 'hangs up'] as const)('a proxy that %s was asked once, and no request was sent', async (what) => {
  await using api = await proxied(what)
  expect((await api.client.put([jane], never)).outcome).toMatchObject(unsent)
  expect(api.asked).toEqual(['CONNECT api.mediquo.test:443'])
})

test('a request that waits for a connection ends immediately when it is aborted', async () => {
  await using api = await proxied('is silent', 600_000)
  const stop = new AbortController()
  const outcome = api.client.put([jane], stop.signal)
  await until(() => api.asked.length > 0)
  stop.abort()
  expect((await outcome).outcome).toMatchObject({ kind: 'retry' })
})

test('a request that is aborted before it begins ends immediately', async () => {
  await using api = await proxied('is silent', 600_000)
  expect((await api.client.put([jane], AbortSignal.abort())).outcome).toMatchObject({ kind: 'retry' })
})

test('a request to a port on which nothing listens was not sent', async () => {
  await using server = await answeringServer({ status: 200 })
  const { port } = server
  await server[Symbol.asyncDispose]()
  await using api = clientOf(`http://127.0.0.1:${port}/v1`)
  expect((await api.client.put([jane], never)).outcome).toMatchObject(unsent)
})

test('a request that an untrusted certificate stopped was not sent', async () => {
  await using server = await answeringServer({ status: 200 })
  await using front = await tlsFront({ hosts: ['localhost'], to: server.port })
  await using api = clientOf(`https://localhost:${front.port}/v1`)
  expect((await api.client.put([jane], never)).outcome).toMatchObject(unsent)
  expect(server.seen).toEqual([])
})
