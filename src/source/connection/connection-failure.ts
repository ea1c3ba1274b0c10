/** Reason why PostgreSQL could not be reached or ended a session. SQLSTATE or the system error code decides, never the message. */
export interface ConnectionFailure {
  readonly kind:
    | 'credentials'
    | 'shutting down'
    | 'slot in use'
    | 'slot lost'
    | 'configuration'
    | 'unreachable'
    | 'other'
  /** Description with the fix, one sentence. */
  readonly sentence: string
}

interface Coded {
  readonly code?: unknown
  readonly message?: unknown
}

/** Classifies a connection error. PostgreSQL manual, Appendix A, "PostgreSQL Error Codes". */
export function describeConnectionFailure(error: unknown, what = 'PostgreSQL'): ConnectionFailure {
  const { code, message } = (error ?? {}) as Coded
  const text = typeof message === 'string' ? message : String(error)
  switch (code) {
    case '28P01':
      return { kind: 'credentials', sentence: `${what} refuses the user or password (${text}): correct DATABASE_URL` }
    case '28000':
      return {
        kind: 'credentials',
        sentence: `${what} refuses the user or the way of connecting (${text}): allow both in pg_hba.conf, or correct DATABASE_URL (user, sslmode, sslcert)`,
      }
    case '3D000':
      return { kind: 'credentials', sentence: `${what} has no such database (${text}): correct DATABASE_URL` }
    case '42501':
      return {
        kind: 'credentials',
        sentence: `${what} denies a right (${text}): run "mediquo-cdc setup" for the grants`,
      }
    case '57P01':
    case '57P02':
    case '57P03':
      return { kind: 'shutting down', sentence: `${what} is shutting down or starting (${text})` }
    case '55006':
      return { kind: 'slot in use', sentence: `another instance holds the replication slot (${text})` }
    case '55000':
    case '42704':
      return { kind: 'slot lost', sentence: `the replication slot can no longer be read (${text})` }
    case '08P01':
      return {
        kind: 'configuration',
        sentence: `${what} does not speak PostgreSQL's whole protocol (${text}): a pooler such as pgbouncer cannot carry replication; name the server itself in DATABASE_URL`,
      }
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        kind: 'configuration',
        sentence: `the certificate of ${what} is for another host: name the host that it is for, or use sslmode=verify-ca with an sslrootcert of your own`,
      }
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return {
        kind: 'other',
        sentence: `the certificate of ${what} is not valid today (${text}): renew it, or set the clock`,
      }
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return {
        kind: 'configuration',
        sentence: `the certificate of ${what} is signed by nobody who is trusted: name the CA's certificate in sslrootcert`,
      }
    case '53300':
      return {
        kind: 'configuration',
        sentence: `${what} has no free connection (${text}): raise max_connections or max_wal_senders`,
      }
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EPIPE':
      return {
        kind: 'unreachable',
        sentence: `${what} cannot be reached (${text || code}): check host, port and network in DATABASE_URL`,
      }
    default:
      return { kind: 'other', sentence: `${what}: ${text}` }
  }
}
