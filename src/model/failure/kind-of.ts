import { ConnectorError } from './connector-error.ts'
import type { FailureKind } from './failure-kind.ts'
import { sqlstate } from './sqlstate.ts'

/** Kinds of errors of PostgreSQL and Node, by `code`: an SQLSTATE or a system error code. The message never decides. */
const byCode: ReadonlyMap<string, FailureKind> = new Map([
  [sqlstate.invalidPassword, 'password refused'],
  [sqlstate.invalidAuthorizationSpecification, 'user refused'],
  [sqlstate.invalidCatalogName, 'database missing'],
  [sqlstate.insufficientPrivilege, 'privilege missing'],
  [sqlstate.adminShutdown, 'server closing'],
  [sqlstate.crashShutdown, 'server closing'],
  [sqlstate.cannotConnectNow, 'server closing'],
  [sqlstate.objectInUse, 'slot in use'],
  [sqlstate.duplicateObject, 'slot being made'],
  [sqlstate.objectNotInPrerequisiteState, 'slot unreadable'],
  [sqlstate.undefinedObject, 'slot object missing'],
  [sqlstate.protocolViolation, 'protocol unsupported'],
  [sqlstate.tooManyConnections, 'connections exhausted'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate for another host'],
  ['CERT_HAS_EXPIRED', 'certificate expired'],
  ['CERT_NOT_YET_VALID', 'certificate expired'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate untrusted'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate untrusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate untrusted'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'certificate untrusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate untrusted'],
  ['ENOTFOUND', 'unreachable'],
  ['EAI_AGAIN', 'unreachable'],
  ['ECONNREFUSED', 'unreachable'],
  ['ECONNRESET', 'unreachable'],
  ['ETIMEDOUT', 'unreachable'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['EPIPE', 'unreachable'],
  ['EADDRINUSE', 'port in use'],
])

/** Returns the kind of a thrown value. Pure. */
export function kindOf(error: unknown): FailureKind {
  const inner = unwrapped(error)
  if (inner instanceof ConnectorError) return inner.kind
  // Only the state is queried through drizzle. Its failures say nothing about the source or its slot.
  if (causesOf(error).some(quotesQuery)) return 'state failed'
  const code = codeOf(inner) ?? ''
  return byCode.get(code) ?? (code.startsWith('commander.') ? 'command line invalid' : 'unexpected')
}

/**
 * Returns the part of an error that may be shown: the first `ConnectorError` in its chain of causes, else the innermost cause. The
 * message of a wrapper can quote a statement and its parameters, which are keys of rows.
 */
export function unwrapped(error: unknown): unknown {
  const inner = causesOf(error).at(-1)
  return quotesQuery(inner) ? new ConnectorError('state failed', 'a query of the state failed') : inner
}

/** Maximum length of a chain of causes, which can be a cycle. It exceeds the number of wrappers that any library adds. */
const maxWrappers = 10

/** Returns the error and its causes, up to the first `ConnectorError`. */
function causesOf(error: unknown): readonly unknown[] {
  const chain = [error]
  let outer = error
  while (outer instanceof Error && !(outer instanceof ConnectorError) && chain.length <= maxWrappers) {
    if (!(outer.cause instanceof Error)) break
    outer = outer.cause
    chain.push(outer)
  }
  return chain
}

/** Returns the SQLSTATE or the system error code of an error; null if it has none. */
export function codeOf(error: unknown): string | null {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : null
}

/** Returns true for an error of drizzle. Its properties identify it: the query and its parameters. */
function quotesQuery(error: unknown): boolean {
  return error instanceof Error && 'query' in error && 'params' in error
}
