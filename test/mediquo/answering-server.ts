import { createServer, type IncomingHttpHeaders } from 'node:http'
import { MediquoClient } from '../../src/mediquo/client.ts'
import { listening } from '../support/network/listening.ts'

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Creates a client and a server that gives every request the same answer and records the requests. Null: it never answers. */
export async function answeringServer(answer: Answer | null, requestTimeoutMs?: number) {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    seen.push({ method, url, headers, body })
    response.sendDate = false
    if (answer) response.writeHead(answer.status, answer.headers).end(answer.body)
  })
  // The server never closes an idle connection.
  server.keepAliveTimeout = 0
  let connections = 0
  server.on('connection', (socket) => {
    connections++
    socket.on('close', () => connections--)
  })
  const started = await listening(server)
  const { port } = started
  const { client, attempts, reads } = clientOf(`http://127.0.0.1:${port}/v1/`, requestTimeoutMs)
  return {
    client,
    attempts,
    reads,
    seen,
    port,
    get connections() {
      return connections
    },
    async [Symbol.asyncDispose]() {
      await client.close()
      await started[Symbol.asyncDispose]()
    },
  }
}

/** Report of the client on an attempt: endpoint, status, seconds. */
type Told = Parameters<ConstructorParameters<typeof MediquoClient>[0]['onAttempt']>
/** Report of the client on a patient that was read back: code and answer. */
type Read = Parameters<ConstructorParameters<typeof MediquoClient>[0]['onRead']>

/** Creates a client. Disposal closes its connections. */
export function clientOf(baseUrl: string, requestTimeoutMs = 10_000) {
  const attempts: Told[] = []
  const reads: Read[] = []
  const client = new MediquoClient({
    baseUrl: new URL(baseUrl),
    keys: () => ({ apiKey: 'api-key', secretKey: 'secret-key' }),
    limits: { requestTimeoutMs, maxInFlight: 1 },
    onAttempt: (...told) => attempts.push(told),
    onRead: (...read) => reads.push(read),
    wallClockMs: () => Date.parse('2024-01-01T00:00:00Z'),
  })
  return { client, attempts, reads, [Symbol.asyncDispose]: () => client.close() }
}
