import type { Attempt } from './outcome.ts'

/** Codes of failures that happen before a request is written. */
const unacceptedCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_PROXY_TUNNEL',
  // A proxy's answer to CONNECT other than 200. Our own signals give their reasons instead.
  'UND_ERR_ABORTED',
])

/** Returns the outcome of a failed request: `sent` is true if the server may have received it. Pure. */
export function noAnswer(error: unknown): Extract<Attempt, { kind: 'no answer' }> {
  const failure = error as { readonly code?: unknown; readonly name?: unknown }
  const code = typeof failure.code === 'string' ? failure.code : String(failure.name)
  const timedOut = failure.name === 'TimeoutError' || code.endsWith('TIMEOUT')
  const unsent =
    unacceptedCodes.has(code) ||
    code.startsWith('CERT_') ||
    code.startsWith('UNABLE_TO_') ||
    code.includes('SELF_SIGNED') ||
    code.startsWith('ERR_TLS')
  return { kind: 'no answer', reason: timedOut ? 'timeout' : 'connection', sent: !unsent, code }
}
