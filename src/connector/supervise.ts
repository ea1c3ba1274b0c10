import { FencedError } from '../checkpoint/store.ts'
import type { Settings } from '../config/settings.ts'
import { createPipeline } from '../connector.ts'
import { type HttpServer, startHttpServer } from '../http/server.ts'
import { backOffMs } from '../lifecycle/back-off.ts'
import { wait } from '../lifecycle/wait.ts'
import { describeConnectionFailure } from '../source/connection-failure.ts'
import { readSlotHealth } from '../source/slot-health.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { checkApi } from './check-api.ts'
import { CheckFailedError } from './check-failed.ts'
import { type Prepared, prepare } from './prepare.ts'
import { openResources, type Resources } from './resources.ts'
import { serverStartedAt } from './session.ts'
import { type Board, newBoard, readinessOf, statusOf } from './status-board.ts'

export interface SuperviseOptions {
  readonly settings: Settings
  readonly logger: Logger
  readonly version: string
  readonly environmentOptions: string
  /** SIGTERM: drain and stop. */
  readonly drain: AbortSignal
  /** Told once the HTTP server listens. */
  readonly onListening?: (port: number) => void
}

const healthEveryMs = 5_000
const blockedForMs = 10_000
/** Rows that could leave, no trouble known, and nothing in flight for this long: the process is wedged and wants a restart. */
const wedgedAfterMs = 180_000

/** Runs the pipeline until it is told to drain: prepares it, and again after what it cannot mend itself. @throws {CheckFailedError} at the start only. */
export async function supervise(options: SuperviseOptions): Promise<void> {
  const { settings, logger, drain } = options
  const board = newBoard()
  const metrics = createMetrics(options.version)
  const resources = openResources({
    ...options,
    metrics,
    onConnectionError: () => void letGoOfClosingServer(resources, board),
  })
  let http: HttpServer | null = null
  const healthTimer = setInterval(() => void watchHealth(resources, board), healthEveryMs)
  try {
    http = await startHttpServer({
      ...settings.http,
      status: () => statusOf(board, resources),
      readiness: () => readinessOf(board),
      healthy: () => board.stuckChecks * healthEveryMs < wedgedAfterMs,
      metrics: async () => ({ contentType: metrics.registry.contentType, text: await metrics.registry.metrics() }),
    })
    logger.info({ host: settings.http.host, port: http.port, version: options.version }, 'listening')
    options.onListening?.(http.port)
    observe(resources, board)
    for (let attempt = 1, isFirst = true; !drain.aborted; attempt++) {
      const prepared = await prepareOrWait(options, resources, board, { attempt, isFirst })
      if (!prepared) continue
      attempt = 0
      const failure = await runOnce(resources, prepared, board, { drain, isFirst })
      isFirst = false
      if (failure === null) break
      if (failure instanceof FencedError) {
        show(logger, board, 'standby', failure.message)
        await wait(1_000, drain)
      } else {
        show(logger, board, 'blocked', describeConnectionFailure(failure, 'the source').sentence)
        await wait(blockedForMs, drain)
      }
    }
  } finally {
    clearInterval(healthTimer)
    await http?.close()
    await resources.close()
  }
  logger.info('stopped')
}

/** Null: not yet, try again. */
async function prepareOrWait(
  { logger, drain }: SuperviseOptions,
  resources: Resources,
  board: Board,
  { attempt, isFirst }: { readonly attempt: number; readonly isFirst: boolean },
): Promise<Prepared | null> {
  try {
    // Before a slot is made: one that nobody reads fills the customer's disk.
    if (isFirst) await requireKeys(resources, drain)
    const prepared = await prepare(resources)
    board.serverVersion = prepared.facts.serverVersion
    return prepared
  } catch (error) {
    if (drain.aborted) return null
    const { kind, sentence } = describeConnectionFailure(error, 'the source')
    const transient = kind === 'unreachable' || kind === 'shutting down' || kind === 'other'
    const ours = error instanceof Error && 'exitStatus' in error
    if (isFirst && (ours || !transient))
      throw ours
        ? error
        : new CheckFailedError([{ requirement: 'the source', met: false, detail: sentence, mend: null }])
    const detail = ours ? error.message : sentence
    show(logger, board, ours ? 'blocked' : 'starting', detail, error)
    await wait(ours ? blockedForMs : 500 + backOffMs(attempt, Math.random(), { baseMs: 500, maxMs: 15_000 }), drain)
    return null
  }
}

/** Keys that are refused at the start are a mistake to be told; an API that is down is one to wait for. @throws {CheckFailedError} */
async function requireKeys(resources: Resources, signal: AbortSignal): Promise<void> {
  const { reachable, findings } = await checkApi(resources, signal)
  const unmet = findings.filter(({ met }) => !met)
  if (reachable && unmet.length > 0) throw new CheckFailedError(unmet)
  for (const { detail } of unmet) resources.logger.warn({ detail }, 'the API cannot be reached yet')
}

/** Null: it has drained. Otherwise what ended it. */
async function runOnce(
  resources: Resources,
  prepared: Prepared,
  board: Board,
  { drain, isFirst }: { readonly drain: AbortSignal; readonly isFirst: boolean },
): Promise<unknown> {
  const { logger } = resources
  const stopping = () => show(logger, board, 'stopping', null)
  drain.addEventListener('abort', stopping, { once: true })
  board.pipeline = createPipeline(resources, prepared, {
    drain,
    isFirst,
    tally: board.tally,
    onStream: (stream) => {
      if (drain.aborted) return
      if (stream.kind === 'streaming') show(logger, board, 'streaming', null)
      else show(logger, board, stream.kind === 'standby' ? 'standby' : 'starting', stream.reason)
    },
  })
  try {
    await board.pipeline.run()
    return null
  } catch (error) {
    return error
  } finally {
    drain.removeEventListener('abort', stopping)
    board.pipeline = null
  }
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

async function watchHealth(resources: Resources, board: Board): Promise<void> {
  const { pipeline } = board
  const stuck = pipeline?.isStuck() ?? false
  board.stuckChecks = stuck ? board.stuckChecks + 1 : 0
  if (!pipeline) return
  try {
    board.health = await readSlotHealth(resources.sourcePool, resources.settings.source.slot)
    board.deadLetters = await resources.store.countDeadLetters()
  } catch {
    await letGoOfClosingServer(resources, board)
  }
}

/** While our own back-pressure keeps us from reading, only an ordinary connection shows that the server waits for us to go. */
async function letGoOfClosingServer(resources: Resources, board: Board): Promise<void> {
  try {
    await serverStartedAt(resources)
  } catch (error) {
    const { kind } = describeConnectionFailure(error)
    if (kind === 'shutting down' || kind === 'unreachable') board.pipeline?.letGo()
  }
}

function observe({ metrics, quotas }: Resources, board: Board): void {
  metrics.observe({
    pending: (lane) => board.pipeline?.pending.waiting[lane] ?? 0,
    inFlightRequests: () => board.pipeline?.dispatcher.requestsInFlight ?? 0,
    deadLetters: () => board.deadLetters,
    replicationLagBytes: () => board.health?.lagBytes ?? 0,
    slotRetainedBytes: () => board.health?.retainedBytes ?? 0,
    rateLimitRemaining: () => quotas.put.free,
    ready: () => readinessOf(board).ready,
  })
}
