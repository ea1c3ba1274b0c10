import { EnvHttpProxyAgent, request } from 'undici'
import { deadline } from '../lifecycle/deadline.ts'
import { type ApiLimits, maxReadsInFlight } from '../model/api-limits.ts'
import { jsonText } from '../model/json/json-text.ts'
import { parseExactly } from '../model/json/parse-exactly.ts'
import type { Patient, PatientCode } from '../model/patient/patient.ts'
import { codeInAnswer, respellingsBetween } from '../model/patient/spelling.ts'
import { noAnswer } from './no-answer.ts'
import { type Attempt, type Outcome, putOutcome } from './outcome.ts'
import { ProxyPool } from './proxy-pool.ts'

export interface MediquoClientOptions {
  readonly baseUrl: URL
  readonly keys: () => { readonly apiKey: string; readonly secretKey: string }
  readonly limits: Pick<ApiLimits, 'requestTimeoutMs' | 'maxInFlight'>
  /** Called after each attempt with endpoint, HTTP status or `no answer`, and duration. */
  readonly onAttempt: (endpoint: Endpoint, status: number | 'no answer', seconds: number) => void
  /** Called with the result of reading a patient back, unless the caller has given it up. */
  readonly onRead: (code: PatientCode, answer: PatientAnswer) => void
  readonly wallClockMs: () => number
}

/** Result of a request, and the remaining requests of the API's window, if the API says so. */
export interface Answered<O> {
  readonly outcome: O
  readonly remaining: number | null
}

export const endpoints = ['PUT /patients', 'GET /patients/{code}'] as const
export type Endpoint = (typeof endpoints)[number]

/** Result of reading a patient back. The code among `attributes` may be another spelling of the one that was asked for. */
export type PatientAnswer =
  | { readonly kind: 'patient'; readonly attributes: Readonly<Record<string, unknown>> }
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'not now'
      readonly outcome: Exclude<Outcome, { kind: 'accepted' | 'unexpected success' | 'isolate' | 'split' }>
    }

/** Maximum size of an answer: a longer one is not the API's. */
const maxAnswerBytes = 262_144
/** Connections for reads beside those of the core: one that verifies rows, and one that checks the keys. */
const otherReads = 2

/** The mediQuo API over HTTP: each call makes one attempt, without retries or redirects. */
export class MediquoClient {
  readonly #options: MediquoClientOptions
  /** Connections of each method. Requests that hang keep their connections: they must not take those of the other method. */
  readonly #agents: Readonly<Record<Method, EnvHttpProxyAgent>>
  readonly #patients: string
  #serverClock: { readonly serverMs: number; readonly ownMs: number } | null = null

  constructor(options: MediquoClientOptions) {
    this.#options = options
    this.#patients = `${options.baseUrl.href.replace(/\/+$/, '')}/patients`
    const { maxInFlight, requestTimeoutMs } = options.limits
    this.#agents = {
      // One more than may be in flight: a request that is given up while it connects keeps its connection for some seconds.
      PUT: agentOf(maxInFlight + 1, requestTimeoutMs),
      GET: agentOf(maxReadsInFlight + otherReads, requestTimeoutMs),
    }
  }

  /** Creates or updates patients, all or none. Never rejects: every result is an outcome. */
  async put(patients: readonly Patient[], signal: AbortSignal): Promise<Answered<Outcome>> {
    const attempt = await this.#attempt('PUT /patients', 'PUT', this.#patients, jsonText({ patients }), signal)
    return { outcome: putOutcome(attempt, this.#options.wallClockMs()), remaining: remainingOf(attempt) }
  }

  /** Time of the API's clock in its last answer (`Date`), and ours at that moment, milliseconds of the epoch. */
  get serverClock(): { readonly serverMs: number; readonly ownMs: number } | null {
    return this.#serverClock
  }

  /** Reads a patient as mediQuo has it. Never rejects. */
  async get(code: PatientCode, signal: AbortSignal): Promise<Answered<PatientAnswer>> {
    const url = `${this.#patients}/${encodeURIComponent(code)}`
    const attempt = await this.#attempt('GET /patients/{code}', 'GET', url, null, signal)
    const outcome = this.#found(attempt, code)
    if (!signal.aborted) this.#options.onRead(code, outcome)
    return { outcome, remaining: remainingOf(attempt) }
  }

  #found(attempt: Attempt, code: PatientCode): PatientAnswer {
    // A proxy's page says nothing about a patient: if it counted as an absence, the patient would stay subscribed.
    if (attempt.kind === 'answer' && attempt.status === 404 && typeof parseObject(attempt.body)?.message === 'string')
      return { kind: 'absent' }
    if (attempt.kind === 'answer' && attempt.status === 200) {
      const attributes = parseObject(attempt.body)
      const stored = codeInAnswer(attributes?.code)
      // An API may store a code in another form than it was sent: it is the same patient.
      if (attributes !== null && stored !== null && respellingsBetween(code, stored) !== null)
        return { kind: 'patient', attributes }
      return {
        kind: 'not now',
        outcome: { kind: 'retry', reason: 'unintelligible answer', inDoubt: false, status: 200 },
      }
    }
    const outcome = putOutcome(attempt, this.#options.wallClockMs())
    if (outcome.kind === 'retry' || outcome.kind === 'pause' || outcome.kind === 'halt')
      return { kind: 'not now', outcome }
    return { kind: 'not now', outcome: { kind: 'retry', reason: 'unexpected answer', inDoubt: false, status: null } }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#agents).map((agent) => agent.destroy()))
  }

  async #attempt(
    endpoint: Endpoint,
    method: Method,
    url: string,
    body: string | null,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const { onAttempt } = this.#options
    const { requestTimeoutMs } = this.#options.limits
    const { apiKey, secretKey } = this.#options.keys()
    const startedAt = performance.now()
    const limit = deadline(signal, requestTimeoutMs)
    let attempt: Attempt
    try {
      const answer = request(url, {
        method,
        body,
        dispatcher: this.#agents[method],
        headersTimeout: requestTimeoutMs,
        bodyTimeout: requestTimeoutMs,
        signal: limit.signal,
        headers: {
          'x-api-key': apiKey,
          'x-secret-key': secretKey,
          // Laravel-style servers answer JSON only on request: fact 21.
          accept: 'application/json',
          ...(body === null ? {} : { 'content-type': 'application/json' }),
        },
      })
      // undici checks the signal only once the request has a connection.
      const response = await Promise.race([answer, rejectedBy(limit.signal)])
      const serverMs = Date.parse(header(response.headers.date) ?? '')
      if (!Number.isNaN(serverMs)) this.#serverClock = { serverMs, ownMs: this.#options.wallClockMs() }
      attempt = {
        kind: 'answer',
        status: response.statusCode,
        contentType: header(response.headers['content-type']) ?? '',
        retryAfter: header(response.headers['retry-after']),
        remaining: wholeNumber(header(response.headers['x-ratelimit-remaining'])),
        body: await boundedText(response.body),
      }
    } catch (error) {
      attempt = noAnswer(error)
    } finally {
      limit.clear()
    }
    onAttempt(
      endpoint,
      attempt.kind === 'answer' ? attempt.status : 'no answer',
      (performance.now() - startedAt) / 1000,
    )
    return attempt
  }
}

type Method = 'PUT' | 'GET'

/** Creates a pool of connections. HTTPS_PROXY and NO_PROXY apply. */
function agentOf(connections: number, headersTimeout: number): EnvHttpProxyAgent {
  return new EnvHttpProxyAgent({
    connections,
    connect: { timeout: 10_000 },
    keepAliveTimeout: 30_000,
    clientFactory: (proxy, connecting) => new ProxyPool(proxy, { ...connecting, headersTimeout }),
  })
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function remainingOf(attempt: Attempt): number | null {
  return attempt.kind === 'answer' ? attempt.remaining : null
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null
}

function header(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null
}

async function boundedText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = parseExactly(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
