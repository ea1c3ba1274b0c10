import { pino } from 'pino'
import { stringify } from 'yaml'
import { type Lsn, parseLsn } from '../../src/model/source/lsn.ts'
import type { ConnectorState, Status } from '../../src/model/status/status.ts'
import type { StoredPatient } from '../../src/sandbox/api/patient/patient-store.ts'
import type { SandboxApi } from '../../src/sandbox/api-server.ts'
import { defaultKeys } from '../../src/sandbox/sandbox-state.ts'
import type { SessionLimits, Timing } from '../../src/startup/resources.ts'
import { supervise } from '../../src/supervisor/supervise.ts'
import { describeError } from '../../src/telemetry/logger.ts'
import { settingsOf } from '../config/loading.ts'
import { testSandbox } from '../sandbox/sandbox-client.ts'
import { patientsTable } from './patients-table.ts'
import { type TestDatabase, testDatabase } from './postgres.ts'
import { shortIntervals } from './short-intervals.ts'
import { running, until } from './until.ts'

export { patientsTable } from './patients-table.ts'

/** Sections of the configuration file. */
export type WrittenConfig = Readonly<Record<string, Readonly<Record<string, unknown>> | string>>

/** Options of a connector. Without `intervals` it has those of tests, which are short. */
export interface ConnectorOptions extends Timing {
  /** Database that tests share or keep over a restart. The default is a new one, which is dropped with the connector. */
  readonly database?: TestDatabase
  /** SQL for the new database; `patientsTable` by default. */
  readonly schema?: string
  /** Sandbox that tests share or keep over a restart. The default is a new one. */
  readonly sandbox?: SandboxApi
  /** Sections that replace the defaults: the table `patients`, no backfill, any free port. */
  readonly config?: WrittenConfig
  /** Variables in addition to those that name the database, the sandbox and its keys. Undefined removes a variable. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly sessions?: SessionLimits
  /** Value of PGOPTIONS. */
  readonly environmentOptions?: string
  /** State to wait for; `streaming` by default; null does not wait. */
  readonly waitFor?: ConnectorState | null
}

/** Line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string }

/** Connector as `mediquo-cdc run` runs it, but in this process. */
export interface RunningConnector extends AsyncDisposable {
  readonly database: TestDatabase
  readonly sandbox: SandboxApi
  readonly slot: string
  /** Lines of the log, whatever their level. */
  readonly log: readonly LogLine[]
  /** Resolves once a line with this text is logged. */
  whenLogged(msg: string): Promise<LogLine>
  /** Resolves with the line of the log that raised the problem of this code. */
  whenRaised(code: string): Promise<LogLine>
  /** Port of its HTTP server; null before it listens. */
  port(): number | null
  /** Returns the answer of `GET /status`. */
  status(): Promise<Status>
  /** Resolves once the status is in this state. Rejects if the connector ends before. */
  whenState(state: ConnectorState): Promise<Status>
  /** Resolves once the API has the patient and the check passes. */
  whenPatient(code: string, check?: (patient: StoredPatient) => boolean): Promise<StoredPatient>
  /** Resolves once everything that was committed before the call is received, and no row of it waits or is in flight. */
  whenSettled(): Promise<void>
  /** Resolves once the slot is confirmed up to a position; by default up to the end of the WAL at the time of the call. */
  whenAcknowledged(target?: Lsn): Promise<void>
  /** Resolves when the connector has ended. Rejects with the error that ended it. */
  readonly ended: Promise<void>
  /** Drains as on SIGTERM. Keeps database and sandbox. */
  stop(): Promise<void>
}

/** Starts a connector: `await using connector = await startConnector()`. @throws the error that ended the connector before that state. */
export async function startConnector(options: ConnectorOptions = {}): Promise<RunningConnector> {
  const releases: (() => Promise<void>)[] = []
  const dispose = async () => {
    for (const release of releases.splice(0).reverse()) await release()
  }
  try {
    const database = options.database ?? (await testDatabase({ schema: options.schema ?? patientsTable }))
    if (!options.database) releases.push(() => database.dispose())
    const sandbox = options.sandbox ?? (await testSandbox())
    if (!options.sandbox) releases.push(() => sandbox.close())
    const connector = run(database, sandbox, options)
    releases.push(() => connector.stop().catch(() => undefined))
    const { waitFor = 'streaming' } = options
    if (waitFor !== null) await connector.whenState(waitFor)
    return { ...connector, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

type Connector = Omit<RunningConnector, typeof Symbol.asyncDispose>

function run(database: TestDatabase, sandbox: SandboxApi, options: ConnectorOptions): Connector {
  // Slots belong to the whole server, so each database has a slot with its own name.
  const slot = `slot_${database.name}`
  const settings = settingsOf(stringify(sections(slot, options.config ?? {})), {
    DATABASE_URL: database.url,
    MEDIQUO_BASE_URL: sandbox.baseUrl,
    MEDIQUO_API_KEY: defaultKeys.apiKey,
    MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
    ...options.environment,
  })
  const log: LogLine[] = []
  const drain = new AbortController()
  let port: number | null = null
  const ended = supervise({
    settings,
    telemetry: {
      version: '0.0.0',
      logger: pino(
        { level: 'trace', base: null, serializers: { error: describeError } },
        { write: (line: string) => void log.push(JSON.parse(line)) },
      ),
    },
    sessions: { environmentOptions: options.environmentOptions ?? '', limits: options.sessions },
    timing: { clocks: options.clocks, intervals: { ...shortIntervals, ...options.intervals } },
    drain: drain.signal,
    onListening: (listening) => {
      port = listening
    },
  })
  const lastLines = () =>
    [
      slot,
      ...log
        .filter(isShown)
        .slice(-shownLines)
        .map((line) => JSON.stringify(line)),
    ].join('\n')
  running.add(lastLines)
  let over = false
  const end = () => {
    over = true
    running.delete(lastLines)
  }
  ended.then(end, end)

  const status = async (): Promise<Status> => {
    const response = await fetch(`http://127.0.0.1:${port}/status`)
    return JSON.parse(await response.text())
  }
  const walPosition = async () => {
    const [row] = await database.query('select pg_current_wal_lsn() as lsn')
    return parseLsn(row?.lsn ?? '')
  }
  return {
    database,
    sandbox,
    slot,
    ended,
    log,
    port: () => port,
    whenRaised: (code) => until(() => log.find((line) => line.msg === 'problem raised' && line.code === code)),
    whenLogged: (msg) => until(() => log.find((line) => line.msg === msg)),
    status,
    async whenState(state) {
      const found = await until(async () => {
        if (over) return 'ended'
        const now = await status()
        return now.state === state && now
      })
      if (found !== 'ended') return found
      await ended
      throw new Error(`the connector ended before it was ${state}`)
    },
    whenPatient: (code, check = () => true) =>
      until(() => {
        const patient = sandbox.patients().get(code)
        return patient && check(patient) && patient
      }),
    async whenSettled() {
      const target = await walPosition()
      await until(async () => {
        const { source, delivery } = await status()
        return source.receivedLsn && parseLsn(source.receivedLsn) >= target && delivery.pending === 0
      })
    },
    async whenAcknowledged(wanted) {
      const target = wanted ?? (await walPosition())
      await until(async () => {
        const [row] = await database.query(
          'select confirmed_flush_lsn as lsn from pg_replication_slots where slot_name = $1',
          [slot],
        )
        return parseLsn(row?.lsn ?? '') >= target
      })
    },
    async stop() {
      drain.abort()
      await ended
    },
  }
}

/** Number of lines that explain a state that is not reached: those of level `info` and above. */
const shownLines = 12
const isShown = ({ level }: LogLine) => Number(level) >= 30

const defaults = (slot: string): WrittenConfig => ({
  source: { table: 'public.patients', slot, backfill: 'never' },
  http: { port: 0 },
})

function sections(slot: string, config: WrittenConfig): WrittenConfig {
  const merged: Record<string, WrittenConfig[string]> = { ...defaults(slot) }
  for (const [name, section] of Object.entries(config)) {
    const base = merged[name]
    merged[name] = typeof section === 'object' && typeof base === 'object' ? { ...base, ...section } : section
  }
  return merged
}
