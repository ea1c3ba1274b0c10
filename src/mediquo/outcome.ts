import { type Named, namedIn } from './named-rows.ts'
import { parseRetryAfterMs } from './retry-after.ts'

/** Result of an attempt: an answer of the API (or of something in front of it), or none. */
export type Attempt =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly contentType: string
      readonly retryAfter: string | null
      /** `x-ratelimit-remaining`: remaining requests of the API's window. */
      readonly remaining: number | null
      readonly body: string
    }
  /** `sent`: true if the server may have received it. */
  | {
      readonly kind: 'no answer'
      readonly reason: 'timeout' | 'connection'
      readonly sent: boolean
      readonly code: string
    }

export type Outcome =
  | { readonly kind: 'accepted' }
  /** A 2xx that is not the documented success: it may have been applied or not. Only reading back can tell. */
  | { readonly kind: 'unexpected success'; readonly status: number }
  /** Try again later. `inDoubt`: it may have been applied, or may be applied later. */
  | { readonly kind: 'retry'; readonly reason: string; readonly inDoubt: boolean; readonly status: number | null }
  /** Send nothing for `ms`, an hour at most. `until`: the end that the API asks for, ISO 8601, if it asks for a long pause. */
  | { readonly kind: 'pause'; readonly ms: number; readonly until?: string }
  /** Some content of this batch is not acceptable. */
  | { readonly kind: 'isolate'; readonly status: number; readonly named: readonly Named[] }
  | { readonly kind: 'split' }
  /** Nothing will be accepted until somebody fixes the cause. */
  | { readonly kind: 'halt'; readonly reason: HaltReason; readonly status: number }

export const haltReasons = [
  'key refused',
  'permission denied',
  'no such endpoint',
  'redirected',
  'not accepted',
] as const
export type HaltReason = (typeof haltReasons)[number]

/** One sentence with the fix for each reason that halts sending. */
export const haltSentences: Readonly<Record<HaltReason, string>> = {
  'key refused': 'the API refuses the keys (401): correct MEDIQUO_API_KEY and MEDIQUO_SECRET_KEY',
  'permission denied': 'the API denies the permission for patients (403): ask mediQuo to grant it to the key',
  'no such endpoint': 'the API has no such endpoint (404): correct mediquo.baseUrl',
  redirected: 'the API redirects elsewhere, which is never followed: correct mediquo.baseUrl, or the proxy in between',
  'not accepted': 'the API does not accept this kind of request: correct mediquo.baseUrl, or the proxy in between',
}

/** Pause after a 429 without `Retry-After`: the length of the documented window. */
const windowMs = 60_000
/** Longest pause without a trial: `Retry-After` may be wrong, or the reason may have ended. */
const maxPauseMs = 3_600_000
/** A pause that is longer than this is told with its end. */
const longPauseMs = 300_000
const lastEpochMs = Date.UTC(9999, 11, 31)

/** Returns the meaning of an attempt to PUT patients. Pure and total: an answer that is not understood never counts as a delivery. */
export function putOutcome(attempt: Attempt, nowEpochMs: number): Outcome {
  if (attempt.kind === 'no answer') {
    return { kind: 'retry', reason: attempt.reason, inDoubt: attempt.sent, status: null }
  }
  const { status } = attempt
  // 1. Only the documented success is one: a proxy's page with status 200 delivered nothing.
  if (status >= 200 && status <= 299)
    return isDocumentedSuccess(attempt) ? { kind: 'accepted' } : { kind: 'unexpected success', status }
  // 2. Following a redirect would turn the PUT into a GET: fact 20.
  if (status >= 300 && status <= 399) return { kind: 'halt', reason: 'redirected', status }
  switch (status) {
    case 400:
    case 422:
      return { kind: 'isolate', status, named: namedIn(attempt.body) }
    case 401:
      return { kind: 'halt', reason: 'key refused', status }
    case 403:
      return { kind: 'halt', reason: 'permission denied', status }
    case 404:
    case 405:
      return { kind: 'halt', reason: 'no such endpoint', status }
    case 408:
    case 425:
      return { kind: 'retry', reason: `status ${status}`, inDoubt: true, status }
    case 413:
      return { kind: 'split' }
    case 429:
      return pauseOf(parseRetryAfterMs(attempt.retryAfter, nowEpochMs) ?? windowMs, nowEpochMs)
  }
  // 3. The server, or something in between, failed: it may have applied the request before.
  if (status >= 500) return { kind: 'retry', reason: `status ${status}`, inDoubt: true, status }
  return { kind: 'halt', reason: 'not accepted', status }
}

/** Returns the pause for a `Retry-After`: it lasts as long as that says, with a trial each hour. */
function pauseOf(askedMs: number, nowEpochMs: number): Outcome {
  if (askedMs <= longPauseMs) return { kind: 'pause', ms: askedMs }
  const until = new Date(Math.min(lastEpochMs, nowEpochMs + askedMs)).toISOString().replace(/\.\d+/, '')
  return { kind: 'pause', ms: Math.min(maxPauseMs, askedMs), until }
}

/** Returns true for the answer that the API documents: status 200, `{"message": "Success"}`. */
function isDocumentedSuccess({ status, contentType, body }: Extract<Attempt, { kind: 'answer' }>): boolean {
  if (status !== 200 || !/^application\/([\w.-]+\+)?json\b/i.test(contentType)) return false
  try {
    const answer: unknown = JSON.parse(body)
    return (
      typeof answer === 'object' &&
      answer !== null &&
      !Array.isArray(answer) &&
      'message' in answer &&
      typeof answer.message === 'string' &&
      /^\s*success[.!]?\s*$/i.test(answer.message) &&
      !('errors' in answer)
    )
  } catch {
    return false
  }
}
