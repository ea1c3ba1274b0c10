import type { FailureKind } from './failure-kind.ts'

/**
 * Reaction to a kind of failure. The connector's actions:
 * - `retry`: it tries again, with growing delays.
 * - `restart`: it checks the source again and starts a new pipeline.
 * - `standby`: it waits until it may take over.
 * - `block`: it shows the reason until somebody acts, and checks the source every ten seconds.
 * - `exit`: the process ends if the failure occurs at its start. `afterStart` is the action once a pipeline has run.
 */
export type Failure = {
  /** Stable identifier, as in the documentation and the log. */
  readonly code: string
  /** Exit status of a command that ends with it. */
  readonly exitStatus: 1 | 2 | 3
  /** Remedy for a person; absent if there is nothing to do. */
  readonly fix?: string
} & (
  | { readonly action: 'retry' | 'restart' | 'standby' | 'block' }
  | { readonly action: 'exit'; readonly afterStart: 'retry' | 'block' }
)

const fixUrl = 'correct DATABASE_URL'
const fixConfiguration = 'correct the configuration where the message says'
const report = 'report it with the log'

export const failures: Readonly<Record<FailureKind, Failure>> = {
  'command line invalid': {
    code: 'command_line_invalid',
    action: 'exit',
    afterStart: 'block',
    exitStatus: 2,
    fix: 'see `--help` of the command',
  },
  'configuration invalid': {
    code: 'configuration_invalid',
    action: 'exit',
    afterStart: 'block',
    exitStatus: 2,
    fix: fixConfiguration,
  },
  'mapping invalid': {
    code: 'mapping_invalid',
    action: 'exit',
    afterStart: 'block',
    exitStatus: 2,
    fix: 'correct `mapping`, or the table',
  },
  'transform unusable': {
    code: 'transform_unusable',
    action: 'exit',
    afterStart: 'block',
    exitStatus: 2,
    fix: 'correct the module that `transform` names',
  },
  'check failed': {
    code: 'check_failed',
    action: 'exit',
    afterStart: 'block',
    exitStatus: 3,
    fix: 'run the statement or change the setting that the message names; `mediquo-cdc check` shows all of them',
  },
  'decision needed': {
    code: 'decision_needed',
    action: 'block',
    exitStatus: 1,
    fix: 'decide as the reason says, often with `mediquo-cdc adopt`',
  },
  unreachable: {
    code: 'source_unreachable',
    action: 'retry',
    exitStatus: 3,
    fix: 'check host, port and network in DATABASE_URL',
  },
  'server closing': { code: 'server_closing', action: 'retry', exitStatus: 3 },
  'server promoted': { code: 'server_promoted', action: 'retry', exitStatus: 1 },
  'password refused': {
    code: 'password_refused',
    action: 'exit',
    afterStart: 'retry',
    exitStatus: 3,
    fix: fixUrl,
  },
  'user refused': {
    code: 'user_refused',
    action: 'exit',
    afterStart: 'retry',
    exitStatus: 3,
    fix: 'allow the user and the way of connecting in `pg_hba.conf`, or correct DATABASE_URL',
  },
  'database missing': { code: 'database_missing', action: 'exit', afterStart: 'retry', exitStatus: 3, fix: fixUrl },
  'privilege missing': {
    code: 'privilege_missing',
    action: 'exit',
    afterStart: 'retry',
    exitStatus: 3,
    fix: 'run `mediquo-cdc setup` for the grants',
  },
  'protocol unsupported': {
    code: 'protocol_unsupported',
    action: 'exit',
    afterStart: 'retry',
    exitStatus: 3,
    fix: 'name the server itself in DATABASE_URL, not a pooler',
  },
  'connections exhausted': {
    code: 'connections_exhausted',
    action: 'exit',
    afterStart: 'retry',
    exitStatus: 3,
    fix: 'raise `max_connections` or `max_wal_senders`',
  },
  'certificate for another host': {
    code: 'certificate_for_another_host',
    action: 'exit',
    afterStart: 'retry',
    exitStatus: 3,
    fix: 'name the host that the certificate is for, or use sslmode=verify-ca with an sslrootcert of your own',
  },
  'certificate untrusted': {
    code: 'certificate_untrusted',
    action: 'exit',
    afterStart: 'retry',
    exitStatus: 3,
    fix: "name the CA's certificate in sslrootcert",
  },
  'certificate expired': {
    code: 'certificate_expired',
    action: 'retry',
    exitStatus: 1,
    fix: 'renew the certificate, or set the clock',
  },
  'slot in use': { code: 'slot_in_use', action: 'standby', exitStatus: 3 },
  'slot being made': { code: 'slot_being_made', action: 'standby', exitStatus: 1 },
  'slot not made': {
    code: 'slot_not_made',
    action: 'retry',
    exitStatus: 1,
    fix: 'end the transaction that has been open for long',
  },
  'slot missing': { code: 'slot_missing', action: 'restart', exitStatus: 1, fix: 'find out who dropped the slot' },
  'slot invalidated': {
    code: 'slot_invalidated',
    action: 'restart',
    exitStatus: 1,
    fix: 'raise `max_slot_wal_keep_size` or `idle_replication_slot_timeout`',
  },
  'slot ahead': { code: 'slot_ahead', action: 'restart', exitStatus: 1, fix: 'find out who moved the slot' },
  'slot unreadable': {
    code: 'slot_unreadable',
    action: 'restart',
    exitStatus: 3,
    fix: 'see the reason; `mediquo-cdc check` shows what the slot lacks',
  },
  'slot object missing': {
    code: 'slot_object_missing',
    action: 'restart',
    exitStatus: 3,
    fix: 'find out who dropped the slot or the publication',
  },
  'publication dropped': {
    code: 'publication_dropped',
    action: 'restart',
    exitStatus: 1,
    fix: 'find out who dropped the publication',
  },
  'server changed': {
    code: 'server_changed',
    action: 'restart',
    exitStatus: 1,
    fix: 'see the reason if the state is then `blocked`',
  },
  'schema changed': {
    code: 'schema_changed',
    action: 'restart',
    exitStatus: 1,
    fix: 'see the reason if the state is then `blocked`',
  },
  'key column missing': {
    code: 'key_column_missing',
    action: 'block',
    exitStatus: 1,
    fix: 'publish the key columns and the replica identity again; `mediquo-cdc check` names them',
  },
  'stream not understood': { code: 'stream_not_understood', action: 'block', exitStatus: 1, fix: report },
  'stream malformed': {
    code: 'stream_malformed',
    action: 'retry',
    exitStatus: 1,
    fix: 'if it happens again and again, look for a proxy that alters the connection',
  },
  fenced: { code: 'fenced', action: 'standby', exitStatus: 1 },
  'store went back': {
    code: 'store_went_back',
    action: 'restart',
    exitStatus: 1,
    fix: 'find out who restored the database of the state, or whether its server failed over to a standby that lagged',
  },
  'state rewritten': { code: 'state_rewritten', action: 'restart', exitStatus: 1 },
  'state schema missing': {
    code: 'state_schema_missing',
    action: 'exit',
    afterStart: 'block',
    exitStatus: 3,
    fix: 'run the statement that the message names',
  },
  'state missing': {
    code: 'state_missing',
    action: 'exit',
    afterStart: 'block',
    exitStatus: 1,
    fix: 'run the connector first',
  },
  'state outdated': {
    code: 'state_outdated',
    action: 'exit',
    afterStart: 'block',
    exitStatus: 1,
    fix: "run this version's connector",
  },
  'state failed': {
    code: 'state_failed',
    action: 'retry',
    exitStatus: 1,
    fix: 'look at the database of the state, its disk and rights',
  },
  'proxy tunnel failed': {
    code: 'proxy_tunnel_failed',
    action: 'retry',
    exitStatus: 1,
    fix: 'check the proxy that HTTPS_PROXY names',
  },
  'read deferred': { code: 'read_deferred', action: 'retry', exitStatus: 1 },
  'port in use': {
    code: 'port_in_use',
    action: 'exit',
    afterStart: 'retry',
    exitStatus: 1,
    fix: 'end what listens there, or set HTTP_PORT; `--port` for the sandbox',
  },
  'demo server failed': {
    code: 'demo_server_failed',
    action: 'exit',
    afterStart: 'block',
    exitStatus: 1,
    fix: 'read the end of its log in the message',
  },
  'trace invalid': {
    code: 'trace_invalid',
    action: 'exit',
    afterStart: 'block',
    exitStatus: 2,
    fix: 'replay a trace that this version has written',
  },
  unexpected: { code: 'unexpected', action: 'retry', exitStatus: 1, fix: report },
}

/** Returns true if neither a new connection nor a repeated query fixes the failure: the pipeline must end. */
export function endsPipeline(kind: FailureKind): boolean {
  const { action } = failures[kind]
  // The pipeline itself waits for a slot in use.
  return action === 'restart' || action === 'block' || kind === 'fenced'
}
