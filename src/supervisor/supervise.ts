import type { Settings } from '../config/settings.ts'
import { type HttpServer, startHttpServer } from '../http/server.ts'
import { wait } from '../lifecycle/wait.ts'
import { kindOf } from '../model/failure/kind-of.ts'
import type { ConnectorState } from '../model/status/status.ts'
import { createPipeline } from '../pipeline/pipeline.ts'
import type { WrittenRuns } from '../pipeline/recent-requests.ts'
import { serverStartedAt } from '../pipeline/session.ts'
import { readSlotHealth } from '../source/slot/slot-health.ts'
import { isInvalidated } from '../source/slot/slot-history.ts'
import type { StreamState } from '../source/stream/follow-wal.ts'
import { checkApi } from '../startup/api/check-api.ts'
import { findSource, type Prepared, prepare } from '../startup/prepare.ts'
import { reportPlans } from '../startup/report-plans.ts'
import { checkFailed } from '../startup/requirements/check-failed.ts'
import { openResources, type Resources, type SessionTraits, type Telemetry, type Timing } from '../startup/resources.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { DatabaseFailures, type DatabaseWork } from './database-failures.ts'
import { observe } from './gauges.ts'
import { createHealthWatch } from './health-watch.ts'
import {
  afterBlocked,
  afterPreparing,
  afterRunning,
  type LostInARow,
  type NextAttempt,
  noneLost,
} from './next-attempt.ts'
import { keepPage } from './page-view.ts'
import { collectProblems } from './problems/collect-problems.ts'
import { problemFacts } from './problems/problem-facts.ts'
import { createProblemWatch } from './problems/problem-watch.ts'
import { createSlotWatch } from './slot-watch.ts'
import { createStateWatch } from './state/state-watch.ts'
import { type Board, newBoard, readinessOf, statusOf } from './status-board.ts'
import { summarise } from './summary.ts'
import { lookAtTable } from './table-watch.ts'
import { lookAtWrites } from './writes-watch.ts'

export interface SuperviseOptions {
  readonly settings: Settings
  readonly telemetry: Omit<Telemetry, 'metrics'> & { readonly version: string }
  readonly sessions: SessionTraits
  readonly timing?: Timing
  /** SIGTERM: drain and stop. */
  readonly drain: AbortSignal
  /** Called once the HTTP server listens. */
  readonly onListening?: (port: number) => void
}

/**
 * Runs the pipeline until the signal to drain, and prepares it again after failures that it cannot fix itself.
 * @throws {ConnectorError} at the start only.
 */
export async function supervise(options: SuperviseOptions): Promise<void> {
  const { settings, telemetry, sessions, timing = {}, drain } = options
  const { version, logger } = telemetry
  const board = newBoard()
  const metrics = createMetrics(version)
  const resources = openResources({
    settings,
    telemetry: { ...telemetry, metrics },
    sessions,
    timing,
    drain,
    onConnectionError: () => void releaseClosingServer(resources, board),
  })
  const lookAtState = createStateWatch(resources, board)
  const { pool } = resources.source
  const { clocks, intervals } = resources.runtime
  const slotWatch = createSlotWatch(resources, board)
  board.slotWatch = slotWatch
  const watch = createHealthWatch(board, intervals.checkMs, {
    slot: settings.source.slot,
    readHealth: async () => {
      const health = await noted(board, 'look at slot', () => readSlotHealth(pool, settings.source))
      slotWatch.seen(health)
      board.pipeline?.sawSnapshot({ xmin: health.snapshotXmin, xmax: health.snapshotXmax })
      return health
    },
    lookAtTable: (schema) => lookAtTable(resources, schema, board.pipeline?.view().truncatedBy ?? null),
    lookAtWrites: () => lookAtWrites(resources, board),
    readState: async () => {
      await noted(board, 'look at state', lookAtState)
      await slotWatch.lookForLeft()
    },
    onFailure: () => releaseClosingServer(resources, board),
  })
  const endSummaries = summarise(
    () => statusOf(board, resources),
    (summary) => logger.info(summary, 'last minute'),
  )
  const healthy = () => !watch.isWedged()
  const page = keepPage({ board, resources, version })
  const problemWatch = createProblemWatch({
    logger,
    wallClockMs: () => clocks.wallClockMs(),
    everyMs: intervals.checkMs,
    collect: () =>
      collectProblems(problemFacts(board, resources, { isStuck: watch.isWedged(), samples: page.samples() })),
  })
  board.problemWatch = problemWatch
  let http: HttpServer | null = null
  try {
    http = await startHttpServer({
      listen: settings.http,
      probes: { healthy, readiness: () => readinessOf(board, settings) },
      status: () => statusOf(board, resources),
      page: page.view,
      metrics: async () => ({ contentType: metrics.registry.contentType, text: await metrics.registry.metrics() }),
    })
    logger.info({ host: settings.http.host, port: http.port, version }, 'listening')
    options.onListening?.(http.port)
    observe(resources, board, healthy)
    const past: Past = { attempt: 0, isFirst: true, plansReported: false, lost: noneLost }
    const written: WrittenRuns = { last: null, outUntilMs: Number.NEGATIVE_INFINITY }
    while (!drain.aborted) {
      past.attempt++
      const prepared = await prepareOrWait(options, resources, board, past)
      if (!prepared) continue
      past.attempt = 0
      const beganAtMs = performance.now()
      const failure = await runOnce(resources, prepared, { board, watch, drain, written })
      past.isFirst = false
      if (failure === null) break
      board.storeWentBack ||= kindOf(failure) === 'store went back'
      const ranMs = performance.now() - beganAtMs
      const { next, lost } = afterRunning(failure, { lost: past.lost, ranMs, blockedMs: intervals.blockedMs })
      past.lost = lost
      await showAndWait(logger, board, next, drain)
    }
    sayWhatStays(logger, board, settings.source.slot)
  } finally {
    watch.stop()
    endSummaries()
    problemWatch.stop()
    page.stop()
    await http?.close()
    await resources.close()
  }
  logger.info('stopped')
}

/** Logs that the slot remains, for somebody who stops the connector permanently: an abandoned slot fills the customer's disk. */
function sayWhatStays(logger: Logger, { health }: Board, slot: string): void {
  if (!health || isInvalidated(health)) return
  logger.info(
    { slot, retainedBytes: health.retainedBytes },
    'the replication slot stays, and holds WAL until a connector uses it again; "mediquo-cdc teardown" drops it',
  )
}

/** Reads a database, and notes a failure for the readiness and the problems. */
async function noted<T>({ database }: Board, work: DatabaseWork, read: () => Promise<T>): Promise<T> {
  return database === null ? await read() : await database.note(work, read)
}

/** State that one attempt leaves for the next. */
interface Past {
  /** Consecutive attempts to prepare the source. */
  attempt: number
  /** True until a pipeline has run. */
  isFirst: boolean
  /** True once the log says how many patients are without a plan. */
  plansReported: boolean
  lost: LostInARow
}

/** Prepares the source; null: it waited, and the caller tries again. */
async function prepareOrWait(
  { telemetry: { logger }, drain }: SuperviseOptions,
  resources: Resources,
  board: Board,
  past: Past,
): Promise<Prepared | null> {
  const { attempt, isFirst } = past
  try {
    // Check the keys before a slot is created: a slot that nobody reads fills the customer's disk.
    if (isFirst && attempt === 1) await requireKeys(resources, drain)
    // Say it before anything is created or sent: without a plan a patient is unsubscribed.
    if (!past.plansReported) await reportPlans(resources, await findSource(resources))
    past.plansReported = true
    const prepared = await prepare(resources, past.lost)
    board.serverVersion = prepared.facts.serverVersion
    return prepared
  } catch (error) {
    if (drain.aborted) return null
    const { blockedMs } = resources.runtime.intervals
    const next = afterPreparing(error, { attempt, isFirst, random: Math.random(), blockedMs })
    if (next instanceof Error) throw next
    past.lost = afterBlocked(past.lost, error)
    await showAndWait(logger, board, next, drain, error)
    return null
  }
}

async function showAndWait(
  logger: Logger,
  board: Board,
  { state, reason, waitMs }: NextAttempt,
  drain: AbortSignal,
  error?: unknown,
): Promise<void> {
  show(logger, board, state, reason, error)
  if (waitMs > 0) await wait(waitMs, drain)
}

/**
 * Requires that the API accepts the keys at the start. An API that is down is no error: the connector waits for it.
 * @throws {ConnectorError}
 */
async function requireKeys(resources: Resources, signal: AbortSignal): Promise<void> {
  const { reachable, findings } = await checkApi(resources, signal)
  const unmet = findings.filter(({ met }) => !met)
  if (reachable && unmet.length > 0) throw checkFailed(unmet)
  for (const { detail } of unmet) resources.telemetry.logger.warn({ detail }, 'the API cannot be reached yet')
}

interface Life {
  readonly board: Board
  readonly watch: ReturnType<typeof createHealthWatch>
  readonly drain: AbortSignal
  readonly written: WrittenRuns
}

/** Runs the pipeline once. Null: it has drained. Otherwise the error that ended it. */
async function runOnce(
  resources: Resources,
  prepared: Prepared,
  { board, watch, drain, written }: Life,
): Promise<unknown> {
  const { logger } = resources.telemetry
  const stopping = () => show(logger, board, 'stopping', null)
  drain.addEventListener('abort', stopping, { once: true })
  watch.expect({ ...prepared.server, tableSchema: prepared.table.schema })
  let isOver = false
  board.database = new DatabaseFailures(resources.runtime.clocks.monotonicMs)
  board.pipeline = createPipeline(resources, prepared, {
    drain,
    written,
    database: board.database,
    tally: board.tally,
    onStream: (stream) => {
      if (drain.aborted || isOver) return
      show(logger, board, stateOf[stream.kind], stream.kind === 'streaming' ? null : stream.reason)
      // The slot can be the cause when a stream breaks or begins.
      watch.checkNow()
    },
  })
  try {
    await board.pipeline.run()
    return null
  } catch (error) {
    return error
  } finally {
    isOver = true
    drain.removeEventListener('abort', stopping)
    board.pipeline = null
  }
}

/** State of the connector by that of its stream. */
const stateOf: Readonly<Record<StreamState['kind'], ConnectorState>> = {
  streaming: 'streaming',
  standby: 'standby',
  disconnected: 'starting',
}

function show(logger: Logger, board: Board, state: Board['state'], reason: string | null, error?: unknown): void {
  if (board.state === state && board.reason === reason) return
  board.state = state
  board.reason = reason
  const fields = {
    state,
    ...(reason === null ? {} : { reason }),
    ...(error === undefined ? {} : { error }),
  }
  if (state === 'blocked') logger.error(fields, 'state changed')
  else logger.info(fields, 'state changed')
}

/** Disconnects from a server that shuts down. While back-pressure stops reading, only an ordinary connection shows that it waits for us. */
async function releaseClosingServer(resources: Resources, board: Board): Promise<void> {
  try {
    await serverStartedAt(resources)
  } catch (error) {
    const kind = kindOf(error)
    if (kind === 'server closing' || kind === 'unreachable') board.pipeline?.disconnect('released')
  }
}
