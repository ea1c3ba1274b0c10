import type { FailureKind } from '../../model/failure/failure-kind.ts'
import { codeOf, kindOf, unwrapped } from '../../model/failure/kind-of.ts'

type Sentence = (what: string, text: string) => string

const closing: Sentence = (what, text) => `${what} is shutting down or starting (${text})`
const slotUnreadable: Sentence = (_, text) => `the replication slot can no longer be read (${text})`

/** Sentences with the fix, for failures of a connection to PostgreSQL. */
const sentences: Readonly<Partial<Record<FailureKind, Sentence>>> = {
  'password refused': (what, text) => `${what} refuses the user or password (${text}): correct DATABASE_URL`,
  'user refused': (what, text) =>
    `${what} refuses the user or the way of connecting (${text}): allow both in pg_hba.conf, or correct DATABASE_URL (user, sslmode, sslcert)`,
  'database missing': (what, text) => `${what} has no such database (${text}): correct DATABASE_URL`,
  'privilege missing': (what, text) => `${what} denies a right (${text}): run "mediquo-cdc setup" for the grants`,
  'server closing': closing,
  'slot in use': (_, text) => `another instance holds the replication slot (${text})`,
  'slot unreadable': slotUnreadable,
  'slot object missing': slotUnreadable,
  'protocol unsupported': (what, text) =>
    `${what} does not speak PostgreSQL's whole protocol (${text}): a pooler such as pgbouncer cannot carry replication; name the server itself in DATABASE_URL`,
  'certificate for another host': (what) =>
    `the certificate of ${what} is for another host: name the host that it is for, or use sslmode=verify-ca with an sslrootcert of your own`,
  'certificate expired': (what, text) =>
    `the certificate of ${what} is not valid today (${text}): renew it, or set the clock`,
  'certificate untrusted': (what) =>
    `the certificate of ${what} is signed by nobody who is trusted: name the CA's certificate in sslrootcert`,
  'connections exhausted': (what, text) =>
    `${what} has no free connection (${text}): raise max_connections or max_wal_senders`,
  unreachable: (what, text) => `${what} cannot be reached (${text}): check host, port and network in DATABASE_URL`,
}

/** Describes why PostgreSQL could not be reached or ended a session, in one sentence with the fix. */
export function describeConnectionFailure(error: unknown, what = 'PostgreSQL'): string {
  const inner = unwrapped(error)
  const text = textOf(inner)
  const kind = kindOf(inner)
  const plain: Sentence = (whose) => `${whose}: ${text}`
  if (kindOf(error) !== 'state failed' || error === inner) return (sentences[kind] ?? plain)(what, text)
  // The state has no slot.
  const isOfSlot = kind === 'slot in use' || kind === 'slot unreadable' || kind === 'slot object missing'
  return ((isOfSlot ? null : sentences[kind]) ?? plain)('the state', text)
}

/** Returns an error's text. That of a refused connection to several addresses is empty. */
function textOf(error: unknown): string {
  const { message } = (error ?? {}) as { readonly message?: unknown }
  const text = typeof message === 'string' ? message : String(error)
  return text || (codeOf(error) ?? '')
}
