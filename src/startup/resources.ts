import pg from 'pg'
import { requireSettings } from '../checkpoint/store/session/require-settings.ts'
import { openStateDatabase } from '../checkpoint/store/state-database.ts'
import { Store } from '../checkpoint/store/store.ts'
import type { Settings } from '../config/settings.ts'
import { Quota } from '../delivery/quota/quota.ts'
import type { Clocks } from '../lifecycle/clocks.ts'
import { MediquoClient } from '../mediquo/client.ts'
import { ReadFailures } from '../mediquo/read-failures.ts'
import { defaultIntervals, type Intervals } from '../model/intervals.ts'
import { sourceClientConfig } from '../source/connection/connection.ts'
import { securedConnection } from '../source/connection/secured-connection.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { Drift } from '../verify/drift.ts'
import { RespelledCodes } from '../verify/respelled-codes.ts'
import { createApiKeys } from './api/api-keys.ts'

export const applicationName = 'mediquo-cdc'

/** Resources that every run of the pipeline uses. */
export interface Resources {
  readonly settings: Settings
  /** Connections to the source. */
  readonly source: { readonly pool: pg.Pool; readonly clientConfig: pg.ClientConfig }
  /** Connections to the state, and its store. */
  readonly state: ReturnType<typeof openStateDatabase> & { readonly store: Store }
  readonly api: { readonly client: MediquoClient; readonly quotas: Readonly<Record<'put' | 'get', Quota>> }
  readonly telemetry: Telemetry & {
    readonly traceFile: string | null
    /** Drift of the rows that were read back while running. */
    readonly drift: Drift
    readonly readFailures: ReadFailures
    readonly respelledCodes: RespelledCodes
  }
  readonly runtime: {
    readonly clocks: Clocks
    readonly intervals: Intervals
    /** Aborts waiting. */
    readonly drain: AbortSignal
  }
}

/**
 * Time limits of queries and sessions. Without them, a dead connection would be waited for until TCP notices, about a quarter of an hour;
 * and a server in a smart shutdown waits for every session to end.
 */
export interface SessionLimits {
  /** Client-side limit. The server's own limit is shorter. */
  readonly queryTimeoutMs: number
  readonly lifetimeSeconds: number
}

/** Traits of all sessions with PostgreSQL. */
export interface SessionTraits {
  /** PGOPTIONS, which our own session options must not replace. */
  readonly environmentOptions: string
  readonly limits?: SessionLimits | undefined
}

/** Places for what is logged, measured and traced. */
export interface Telemetry {
  readonly logger: Logger
  readonly metrics: Metrics
  /** File for the core's events and effects, without row values; null: none. */
  readonly traceFile?: string | null
}

/** Clocks and intervals that replace the usual ones. A test lets time pass with them. */
export interface Timing {
  readonly clocks?: Clocks | undefined
  readonly intervals?: Partial<Intervals>
}

export interface ResourceOptions {
  readonly settings: Settings
  readonly telemetry: Telemetry
  readonly sessions: SessionTraits
  /** Called when the server ends one of our sessions: it is possibly shutting down. */
  readonly onConnectionError: (error: Error) => void
  readonly timing?: Timing
  /** Aborts waiting. */
  readonly drain?: AbortSignal
}

const usualLimits: SessionLimits = { queryTimeoutMs: 35_000, lifetimeSeconds: 60 }
const systemClocks: Clocks = { monotonicMs: () => performance.now(), wallClockMs: () => Date.now() }

/** Creates the resources without opening them: pools connect on first use. */
export function openResources({
  settings,
  telemetry: { logger, metrics, traceFile = null },
  sessions: { environmentOptions, limits: { queryTimeoutMs, lifetimeSeconds } = usualLimits },
  onConnectionError,
  timing: { clocks = systemClocks, intervals } = {},
  drain = new AbortController().signal,
}: ResourceOptions): Resources & { close(): Promise<void> } {
  const url = settings.source.url?.current.reveal() ?? null
  const clientConfig = sourceClientConfig({
    url,
    security: settings.source.tls,
    environmentOptions,
    applicationName,
    connectTimeoutMs: 10_000,
  })
  const failed = (error: Error) => {
    logger.debug({ error }, 'connection lost')
    onConnectionError(error)
  }
  const pool = new pg.Pool({
    ...clientConfig,
    onConnect: (client) => requireSettings(client, { search_path: 'pg_catalog', row_security: 'off' }, 'the source'),
    max: 3,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: lifetimeSeconds,
    query_timeout: queryTimeoutMs,
  })
  pool.on('error', failed)
  // The pool handles no errors of a client in use, and an unhandled error would end the process. The running query fails anyway.
  pool.on('connect', (client) => client.on('error', () => undefined))
  const state = openStateDatabase({
    connection: securedConnection(settings.state.url?.current.reveal() ?? url, settings.state.tls),
    schema: settings.state.schema,
    applicationName,
    queryTimeoutMs,
    lifetimeSeconds,
    onConnectionError: failed,
  })
  const { baseUrl, limits: apiLimits } = settings.mediquo
  const { requestsPerMinute } = apiLimits
  const keys = createApiKeys({ ...settings.mediquo, onChanged: () => logger.info('keys read again from their files') })
  const readFailures = new ReadFailures(clocks.monotonicMs)
  const respelledCodes = new RespelledCodes()
  const client = new MediquoClient({
    ...clocks,
    baseUrl,
    keys: keys.current,
    limits: apiLimits,
    onAttempt: (endpoint, status, seconds) => {
      keys.answered(status)
      metrics.requests.inc({ endpoint, status })
      metrics.requestDuration.observe({ endpoint }, seconds)
    },
    onRead: (code, answer) => {
      readFailures.answered(answer)
      if (answer.kind === 'patient') respelledCodes.seen(code, answer.attributes.code)
    },
  })
  const quotas = { put: new Quota({ requestsPerMinute, ...clocks }), get: new Quota({ requestsPerMinute, ...clocks }) }
  return {
    settings,
    source: { pool, clientConfig },
    state: { ...state, store: new Store(state.db) },
    api: { client, quotas },
    telemetry: { logger, metrics, traceFile, drift: new Drift(), readFailures, respelledCodes },
    runtime: { clocks, intervals: { ...defaultIntervals, ...intervals }, drain },
    close: async () => {
      await Promise.allSettled([client.close(), pool.end(), state.close()])
    },
  }
}
