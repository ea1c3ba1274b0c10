import { createServer, type IncomingMessage } from 'node:http'
import { request } from 'undici'
import type { SandboxApi } from '../../../src/sandbox/api-server.ts'
import { listening } from './listening.ts'

/** Patient as an API shows it, by attribute. */
type Shown = Readonly<Record<string, unknown>>

/**
 * Starts a server in front of the sandbox that shows each patient in another form, or does not find it (null). @returns its URL with `/v1`.
 */
export async function rewritingFront(sandbox: SandboxApi, rewritten: (patient: Shown) => Shown | null) {
  const server = createServer(async (incoming, outgoing) => {
    const { method = 'GET', url = '', headers } = incoming
    const { 'x-api-key': apiKey, 'x-secret-key': secretKey } = headers
    const { statusCode, body } = await request(`${new URL(sandbox.baseUrl).origin}${url}`, {
      method: method === 'PUT' ? 'PUT' : 'GET',
      headers: { 'content-type': 'application/json', 'x-api-key': apiKey, 'x-secret-key': secretKey },
      body: method === 'PUT' ? await textOf(incoming) : null,
    })
    const text = await body.text()
    const shown = method === 'GET' && statusCode === 200 ? rewritten(JSON.parse(text)) : undefined
    outgoing.writeHead(shown === null ? 404 : statusCode, { 'content-type': 'application/json' })
    outgoing.end(shown === undefined ? text : JSON.stringify(shown ?? { message: 'Not found.' }))
  })
  const { port, ...front } = await listening(server)
  return { baseUrl: `http://127.0.0.1:${port}/v1`, ...front }
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
