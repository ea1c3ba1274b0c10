import { windowKinds } from '../../src/sandbox/api/rate-limit.ts'
import { type SandboxAddress, type SandboxApi, startSandboxApi } from '../../src/sandbox/api-server.ts'
import { defaultKeys, type SandboxStateOptions } from '../../src/sandbox/sandbox-state.ts'

/** Documented limit, counted by the kind of window that SANDBOX_WINDOW names. */
export const rateLimit = {
  kind: windowKinds.find((kind) => kind === process.env.SANDBOX_WINDOW) ?? 'fixed',
  limit: 600,
} as const

/** Valid patient without a plan. */
export const jane = { code: 'jane', first_name: 'Jane', gender: 'female', birth_date: '1980-01-01' }

/** Creates a sandbox that applies immediately, and closes it at the end of the scope. */
export async function testSandbox(
  options: SandboxAddress & SandboxStateOptions = {},
): Promise<SandboxApi & AsyncDisposable> {
  const sandbox = await startSandboxApi({ ...options, settings: { applyDelayMs: 0, ...options.settings } }, options)
  return Object.assign(sandbox, { [Symbol.asyncDispose]: () => sandbox.close() })
}

/** Answer to a request: its status, its headers, and its body, parsed if it is JSON. */
export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

const headers = {
  accept: 'application/json',
  'content-type': 'application/json',
  'x-api-key': defaultKeys.apiKey,
  'x-secret-key': defaultKeys.secretKey,
}

/** Sends `PUT /v1/patients`. The changed headers replace the default ones; undefined omits one. */
export async function put(
  sandbox: SandboxApi,
  patients: unknown,
  changes: Readonly<Record<string, string | undefined>> = {},
): Promise<Reply> {
  return await send(`${sandbox.baseUrl}/patients`, { method: 'PUT', body: JSON.stringify({ patients }), changes })
}

/** Sends `GET /v1/patients/{code}`. */
export async function get(sandbox: SandboxApi, code: string): Promise<Reply> {
  return await send(`${sandbox.baseUrl}/patients/${encodeURIComponent(code)}`, { method: 'GET' })
}

interface Sent {
  readonly method: string
  readonly body?: string
  readonly changes?: Readonly<Record<string, string | undefined>>
}

/** Sends any request, with the default headers. Redirects are not followed. */
export async function send(url: string, { method, body, changes = {} }: Sent): Promise<Reply> {
  const sent = new Headers(headers)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) sent.delete(name)
    else sent.set(name, value)
  }
  const response = await fetch(url, { method, headers: sent, redirect: 'manual', ...(body !== undefined && { body }) })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}
