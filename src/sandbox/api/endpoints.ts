import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { SandboxState } from '../sandbox-state.ts'
import { type Answer, type Exchange, serve, serveUnknown } from './exchange.ts'
import { fieldError } from './patient/rejection-rules.ts'
import { type FieldError, validatePatients } from './patient/validation.ts'
import { validationErrorBody } from './patient/validation-errors.ts'

/** Creates the two documented endpoints below `/v1`, and the answer for any other path. */
export function apiEndpoints(state: SandboxState): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.put('/v1/patients', (context) => serve({ state, context }, { endpoint: 'put', answer: putPatients }))
  app.get('/v1/patients/:code', (context) => {
    const code = context.req.param('code')
    return serve({ state, context }, { endpoint: 'get', code, answer: (exchange) => getPatient(exchange, code) })
  })
  app.all('/v1/patients', (context) => serveUnknown({ state, context }, methodNotAllowed('PUT')))
  app.all('/v1/patients/:code', (context) => serveUnknown({ state, context }, methodNotAllowed('GET')))
  app.notFound((context) => serveUnknown({ state, context }, { status: 404, body: { message: 'Not Found' } }))
  return app
}

/** Creates or updates the patients, all or none. */
function putPatients(exchange: Exchange): Answer {
  const { state, context, request, fault, body } = exchange
  const refusal = authenticate(exchange)
  if (refusal !== null) return refusal
  if (request.bytes > state.settings.maxBodyBytes) return { status: 413, body: { message: 'Content Too Large' } }
  if (body === undefined || !isJson(context.req.header('content-type'))) {
    return { status: 400, body: { message: 'The request is not JSON.' } }
  }
  if (fault?.kind === 'reject') {
    return invalid(
      exchange,
      fault.indexes.map((index) => fieldError(index, fault.attribute)),
    )
  }
  const validation = validatePatients(body, state.settings.optionalAttributes)
  if (validation.kind === 'invalid') return invalid(exchange, validation.errors)
  const rejection = state.rules.judge(validation.patients)
  if (rejection?.kind === 'failure') return { status: 500, body: { message: 'Server Error' } }
  if (rejection?.kind === 'invalid') return invalid(exchange, rejection.errors)

  if (state.recordPatients) request.patients = validation.patients
  request.accepted = true
  state.store.accept(request.id, validation.patients)
  return { status: 200, body: { message: 'Success' } }
}

function getPatient(exchange: Exchange, code: string): Answer {
  const refusal = authenticate(exchange)
  if (refusal !== null) return refusal
  const patient = exchange.state.store.patients.get(code)
  return patient === undefined ? { status: 404, body: { message: 'Not Found' } } : { status: 200, body: patient }
}

function authenticate({ state, context, fault }: Exchange): Answer | null {
  const { apiKey, secretKey, permitted } = state.keys
  const known = context.req.header('x-api-key') === apiKey && context.req.header('x-secret-key') === secretKey
  if (!known || fault?.kind === 'keys revoked') return { status: 401, body: { message: 'Unauthenticated.' } }
  return permitted ? null : { status: 403, body: { message: 'This action is unauthorized.' } }
}

/** Answers a failed validation. Laravel answers with JSON only if the client accepts it, and redirects all others to a page. */
function invalid({ state, context }: Exchange, errors: readonly FieldError[]): Answer {
  if (!isJson(context.req.header('accept'))) {
    return { status: 302, headers: { location: '/' }, body: '<!DOCTYPE html><title>Redirecting to /</title>' }
  }
  return { status: 422, body: validationErrorBody(errors, state.settings.errorHints) }
}

function methodNotAllowed(allow: string): Answer {
  return { status: 405, headers: { allow }, body: { message: `Supported methods: ${allow}.` } }
}

function isJson(mediaType: string | undefined): boolean {
  return mediaType !== undefined && /[/+]json/i.test(mediaType)
}
