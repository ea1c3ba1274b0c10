import { STATUS_CODES } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import { jsonText } from '../../model/json/json-text.ts'
import { parseExactly } from '../../model/json/parse-exactly.ts'
import type { SandboxState } from '../sandbox-state.ts'
import type { Endpoint, Fault } from './faults.ts'
import { codesOf } from './patient/validation.ts'
import type { RateDecision } from './rate-limit.ts'
import type { RecordedRequest } from './request-log.ts'

type ServerContext = Context<{ Bindings: HttpBindings }>

/** Status with a body: text as it is, anything else as JSON. */
export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Connection of a request. */
export interface Connection {
  readonly state: SandboxState
  readonly context: ServerContext
}

/** Request in an endpoint. `body` is undefined when it was not JSON. */
export interface Exchange extends Connection {
  readonly request: RecordedRequest
  readonly fault: Fault | null
  readonly body: unknown
}

/** Handler of an endpoint. `code` is the one in the path; a body names its own. */
export interface EndpointHandler {
  readonly endpoint: Endpoint
  readonly code?: string
  readonly answer: (exchange: Exchange) => Answer
}

const blockedPage = '<!DOCTYPE html><title>Request blocked</title>'

type Cut = 'reset' | 'closed'

/**
 * Records a request and applies rate limit, latency and faults. Every request counts against the limit, also one that fails, but not one
 * that gets a 429.
 */
export async function serve(connection: Connection, { endpoint, code, answer }: EndpointHandler): Promise<Response> {
  const { state, context } = connection
  const request = arrive(connection, endpoint)
  const fault = state.faults.draw(endpoint)
  request.fault = fault?.kind ?? null
  if (fault?.kind === 'down') return finish(connection, { request, answer: 'closed' })

  const bucket = state.settings.rateLimit.shared ? request.client : `${request.client} ${endpoint}`
  const counts = fault?.kind !== '429'
  const decision = counts ? state.limiter.take(bucket, state.nowMs()) : state.limiter.peek(bucket, state.nowMs())
  const text = endpoint === 'put' ? await readBody(context) : ''
  if (text === null) return finish(connection, { request, answer: 'closed' })
  const body = parseJson(text)
  request.bytes = Buffer.byteLength(text)
  request.codes = code === undefined ? codesOf(body) : [code]

  if (fault?.kind === 'firewall' && text.includes(fault.text))
    return finish(connection, { request, answer: { status: fault.status, body: blockedPage }, decision })
  const exchange = { ...connection, request, fault, body }
  const result = decision.allowed ? await answerOf(exchange, answer) : tooMany(laravelWait(state, decision.retryAfterS))
  return finish(connection, { request, answer: result, decision })
}

/** Records and answers a request that no endpoint takes. */
export function serveUnknown(connection: Connection, answer: Answer): Response {
  return finish(connection, { request: arrive(connection, null), answer })
}

/** Applies the faults before and after the endpoint's own work. */
async function answerOf(exchange: Exchange, answer: (exchange: Exchange) => Answer): Promise<Answer | Cut> {
  const { state, fault } = exchange
  if (state.settings.latencyMs > 0) await sleep(state.settings.latencyMs)
  if (fault?.kind === 'reset') return 'reset'
  if (fault?.kind === 'status')
    return { status: fault.status, headers: fault.headers, body: fault.body ?? plainBody(fault.status) }
  if (fault?.kind === '429') return tooMany(fault.retryAfter)
  await delayBy(exchange, 'before applying')
  const own = answer(exchange)
  await delayBy(exchange, 'after applying')
  if (fault?.kind !== 'fail after applying' || !exchange.request.accepted) return own
  return fault.answer === 'reset' ? 'reset' : { status: fault.answer, body: fault.body ?? plainBody(fault.answer) }
}

async function delayBy({ state, fault }: Exchange, moment: 'before applying' | 'after applying'): Promise<void> {
  if (fault?.kind === 'hold' && fault.when === moment) await state.held.hold(fault.id, fault.ms)
  if (fault?.kind === 'slow' && fault.when === moment) await sleep(fault.delayMs)
}

function tooMany(retryAfter?: string | number): Answer {
  const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
  return { status: 429, headers, body: { message: 'Too Many Attempts.' } }
}

function laravelWait({ settings, nowMs }: SandboxState, afterS: number | null): string | undefined {
  if (afterS === null || settings.retryAfter === 'absent') return undefined
  if (settings.retryAfter === 'seconds') return String(afterS)
  return new Date(nowMs() + afterS * 1000).toUTCString()
}

function plainBody(status: number): { readonly message: string } {
  return { message: STATUS_CODES[status] ?? `Status ${status}` }
}

/** Reads the body; null when the client disconnected before its end. */
async function readBody(context: ServerContext): Promise<string | null> {
  try {
    return await context.req.text()
  } catch {
    return null
  }
}

function parseJson(text: string): unknown {
  try {
    return parseExactly(text)
  } catch {
    return undefined
  }
}

function arrive({ state, context }: Connection, endpoint: Endpoint | null): RecordedRequest {
  const { incoming } = context.env
  return state.log.arrive({
    endpoint,
    epochMs: state.nowMs(),
    client: incoming.socket.remoteAddress ?? '',
    method: incoming.method ?? '',
    path: incoming.url ?? '',
  })
}

interface Ending {
  readonly request: RecordedRequest
  readonly answer: Answer | Cut
  readonly decision?: RateDecision
}

function finish({ state, context }: Connection, { request, answer, decision }: Ending): Response {
  if (answer === 'reset' || answer === 'closed') {
    state.log.answer(request, null)
    const { socket } = context.env.incoming
    if (answer === 'reset') socket.resetAndDestroy()
    else socket.destroy()
    return RESPONSE_ALREADY_SENT
  }
  state.log.answer(request, answer.status)
  const isText = typeof answer.body === 'string'
  const headers = new Headers({ 'content-type': isText ? 'text/html; charset=utf-8' : 'application/json' })
  if (decision !== undefined) {
    headers.set('x-ratelimit-limit', String(decision.limit))
    headers.set('x-ratelimit-remaining', String(decision.remaining))
  }
  for (const [name, value] of Object.entries(answer.headers ?? {})) headers.set(name, value)
  const bodiless = [204, 205, 304].includes(answer.status)
  const body = isText ? String(answer.body) : jsonText(answer.body)
  return new Response(bodiless ? null : body, { status: answer.status, headers })
}
