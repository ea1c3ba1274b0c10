/** Kinds of failures. `kindOf` returns the kind of any error. */
export const failureKinds = [
  // The configuration and the requirements.
  'command line invalid',
  'configuration invalid',
  'mapping invalid',
  'transform unusable',
  'check failed',
  'decision needed',
  // The connection to PostgreSQL.
  'unreachable',
  'server closing',
  'server promoted',
  'password refused',
  'user refused',
  'database missing',
  'privilege missing',
  'protocol unsupported',
  'connections exhausted',
  'certificate for another host',
  'certificate untrusted',
  'certificate expired',
  // The replication slot and the stream.
  'slot in use',
  'slot being made',
  'slot not made',
  'slot missing',
  'slot invalidated',
  'slot ahead',
  'slot unreadable',
  'slot object missing',
  'publication dropped',
  'server changed',
  'schema changed',
  'key column missing',
  'stream not understood',
  'stream malformed',
  // The state.
  'fenced',
  'store went back',
  'state schema missing',
  'state missing',
  'state outdated',
  'state failed',
  // The API.
  'proxy tunnel failed',
  'read deferred',
  // The tools.
  'port in use',
  'demo server failed',
  'trace invalid',
  'unexpected',
] as const
export type FailureKind = (typeof failureKinds)[number]
