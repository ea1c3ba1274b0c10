import { createServer, type IncomingHttpHeaders } from 'node:http'
import { MediquoClient } from '../../src/mediquo/client.ts'

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A client of ours, and a server that answers every request alike and remembers what it was asked. */
export async function answeringServer(answer: Answer) {
  const seen: { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders }[] = []
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    seen.push({ method, url, headers })
    request.resume()
    response.writeHead(answer.status, answer.headers).end(answer.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const { client } = clientOf(`http://127.0.0.1:${port}/v1/`)
  return {
    client,
    seen,
    port,
    async [Symbol.asyncDispose]() {
      await client.close()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

/** A client of ours; disposing of it closes its connections. */
export function clientOf(baseUrl: string, requestTimeoutMs = 10_000) {
  const client = new MediquoClient({
    baseUrl: new URL(baseUrl),
    keys: () => ({ apiKey: 'api-key', secretKey: 'secret-key' }),
    requestTimeoutMs,
    maxInFlight: 1,
    onAttempt: () => undefined,
    wallClockMs: () => Date.parse('2024-01-01T00:00:00Z'),
  })
  return { client, [Symbol.asyncDispose]: () => client.close() }
}
