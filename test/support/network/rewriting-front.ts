import { createServer, type IncomingMessage } from 'node:http'
import { request } from 'undici'
import type { SandboxApi } from '../../../src/sandbox/api-server.ts'
import { listening } from './listening.ts'

/** Patient as an API shows it, by attribute. */
type Shown = Readonly<Record<string, unknown>>
/** Patient as it is sent. */
export type Sent = Shown & { readonly code: string }

export interface Habits {
  /** Form in which the API shows a patient; null: it does not find it. */
  readonly shown?: (patient: Shown) => Shown | null
  /** Form in which the API stores a code. It finds a code in each form that it stores alike. */
  readonly stored?: (code: string) => string
}

/**
 * Starts a server in front of the sandbox that shows patients, or stores codes, in another form. @returns its URL with `/v1`, and the
 * patients that were sent, in order.
 */
export async function rewritingFront(sandbox: SandboxApi, { shown = (patient) => patient, stored }: Habits) {
  const sent: Sent[] = []
  const server = createServer(async (incoming, outgoing) => {
    const { method = 'GET', url = '', headers } = incoming
    const { 'x-api-key': apiKey, 'x-secret-key': secretKey } = headers
    const isPut = method === 'PUT'
    const text = isPut ? await textOf(incoming) : null
    if (text !== null) sent.push(...JSON.parse(text).patients)
    const { statusCode, body } = await request(`${new URL(sandbox.baseUrl).origin}${pathOf(url, stored)}`, {
      method: isPut ? 'PUT' : 'GET',
      headers: { 'content-type': 'application/json', 'x-api-key': apiKey, 'x-secret-key': secretKey },
      body: text !== null && stored ? inForm(text, stored) : text,
    })
    const answer = await body.text()
    const patient = !isPut && statusCode === 200 ? shown(JSON.parse(answer)) : undefined
    outgoing.writeHead(patient === null ? 404 : statusCode, { 'content-type': 'application/json' })
    outgoing.end(patient === undefined ? answer : JSON.stringify(patient ?? { message: 'Not found.' }))
  })
  const { port, ...front } = await listening(server)
  return { baseUrl: `http://127.0.0.1:${port}/v1`, sent, ...front }
}

function inForm(text: string, stored: (code: string) => string): string {
  const { patients } = JSON.parse(text)
  return JSON.stringify({ patients: patients.map((patient: Sent) => ({ ...patient, code: stored(patient.code) })) })
}

function pathOf(url: string, stored: (code: string) => string = (code) => code): string {
  const [, path, code] = /^(\/v1\/patients\/)(.+)$/.exec(url) ?? []
  return path === undefined || code === undefined ? url : path + encodeURIComponent(stored(decodeURIComponent(code)))
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
