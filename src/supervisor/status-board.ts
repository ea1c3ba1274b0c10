import type { Settings } from '../config/settings.ts'
import type { ApiLimits } from '../model/api-limits.ts'
import type { RefusedWriteFacts } from '../model/problem/problem.ts'
import { problemReport } from '../model/problem/problem-report.ts'
import type { BackfillRun } from '../model/progress/backfill-run.ts'
import { type DeadLetterOverview, noDeadLetters } from '../model/progress/dead-letter-overview.ts'
import { formatLsn } from '../model/source/lsn.ts'
import { type ConnectorState, type DeliveryTrouble, isStreaming, type Status } from '../model/status/status.ts'
import { backfillStatus } from '../pipeline/backfill-status.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { Tally } from '../pipeline/report.ts'
import type { SlotHealth } from '../source/slot/slot-health.ts'
import type { Resources } from '../startup/resources.ts'
import { type DatabaseFailures, type LastingFailures, noLastingFailures } from './database-failures.ts'
import type { ProblemWatch } from './problems/problem-watch.ts'
import type { SlotWatch } from './slot-watch.ts'

/** Facts for the status, from whichever run of the pipeline. */
export interface Board {
  state: ConnectorState
  reason: string | null
  serverVersion: string
  health: SlotHealth | null
  pipeline: Pipeline | null
  /** Failures of the databases while this pipeline runs; null before the first one. */
  database: DatabaseFailures | null
  /** Watch of the retained WAL; null before the first connection. */
  slotWatch: Pick<SlotWatch, 'forecast' | 'secondsToDrain' | 'situation' | 'leftSlots'> | null
  /** Watch of the problems; null before the first one is collected. */
  problemWatch: Pick<ProblemWatch, 'look'> | null
  /** Write of the application that PostgreSQL refused when it was asked last; null: none. */
  refusedWrite: RefusedWriteFacts | null
  /** Tables that inherit from the table, as SQL names. */
  childTables: readonly string[]
  deadLetters: DeadLetterOverview
  /** Number of rows that are noted in the store, to be read and sent later. */
  owed: number
  /** Newest backfill run in the state. */
  latestPass: BackfillRun | null
  /** True from the moment at which the store was found to lack writes, until every row was read again. */
  storeWentBack: boolean
  /** Consecutive health checks that found rows to send, no trouble, and nothing in flight. */
  stuckChecks: number
  readonly tally: Tally
}

export function newBoard(): Board {
  return {
    state: 'starting',
    reason: null,
    serverVersion: '',
    health: null,
    pipeline: null,
    database: null,
    slotWatch: null,
    problemWatch: null,
    refusedWrite: null,
    childTables: [],
    deadLetters: noDeadLetters,
    owed: 0,
    latestPass: null,
    storeWentBack: false,
    stuckChecks: 0,
    tally: { delivered: 0, unchanged: 0, lastDeliveredAt: null, lastError: null },
  }
}

export function statusOf(board: Board, { settings, api }: Pick<Resources, 'settings' | 'api'>): Status {
  const { pipeline, health, tally, slotWatch } = board
  const view = pipeline?.view() ?? null
  const waiting = view ? view.waiting.live + view.waiting.backfill : 0
  return {
    state: shownState(board),
    reason: board.reason ?? pipeline?.waitReason ?? view?.trouble?.reason ?? databaseReason(board),
    source: {
      table: `${settings.source.table.schema}.${settings.source.table.table}`,
      slot: settings.source.slot,
      serverVersion: board.serverVersion,
      receivedLsn: view && formatLsn(view.receivedLsn),
      checkpointLsn: view && formatLsn(view.durableLsn),
      currentLsn: health && formatLsn(health.currentLsn),
      lagBytes: health?.lagBytes ?? null,
      retainedBytes: health?.retainedBytes ?? null,
      walStatus: health?.walStatus ?? null,
      safeWalBytes: health?.safeBytes ?? null,
      retainedBytesPerSecond: rounded(slotWatch?.forecast?.bytesPerSecond),
      secondsUntilSlotLost: rounded(slotWatch?.forecast?.secondsUntilLost),
      secondsToDrain: slotWatch?.secondsToDrain ?? null,
    },
    backfill: view?.backfill
      ? backfillStatus(view.backfill, settings.mediquo.limits)
      : (pipeline?.lastBackfill ?? backfillStatus(board.latestPass, settings.mediquo.limits)),
    delivery: {
      pending: waiting + (view?.patientsInFlight ?? 0) + board.owed,
      inFlight: view?.requestsInFlight ?? 0,
      requestsLastMinute: api.quotas.put.lastMinute,
      requestsPerMinute: settings.mediquo.limits.requestsPerMinute,
      ...tally,
    },
    deadLetters: board.deadLetters.total,
    problems: (board.problemWatch?.look() ?? []).map(problemReport),
  }
}

/** Returns the state for a person: `backfilling` while a streaming connector also reads the table. */
export function shownState({ state, pipeline }: Pick<Board, 'state' | 'pipeline'>): ConnectorState {
  return state === 'streaming' && pipeline !== null && pipeline.view().backfill !== null ? 'backfilling' : state
}

function rounded(figure: number | null | undefined): number | null {
  return figure === null || figure === undefined ? null : Math.round(figure)
}

type Quota = Pick<ApiLimits, 'requestsPerMinute'>

/** Time for which the settled position may stand still, in addition to two requests at the quota, milliseconds. */
const maxStandstillMs = 60_000

/** Returns how long the settled position has stood still although something could be settled, seconds; null: not too long. */
export function standstillSeconds({ pipeline, state }: Board, { requestsPerMinute }: Quota): number | null {
  if (!pipeline || state !== 'streaming') return null
  const { standstillMs, isSendingHeld, trouble } = pipeline.view()
  const mayTakeMs = maxStandstillMs + (2 * 60_000) / requestsPerMinute
  return isSendingHeld || trouble || standstillMs <= mayTakeMs ? null : Math.floor(standstillMs / 1000)
}

/** Returns the lasting failures of the databases. Another state than streaming has its own reason. */
export function databaseFailures({ database, state }: Pick<Board, 'database' | 'state'>): LastingFailures {
  return isStreaming(state) ? (database?.lasting ?? noLastingFailures) : noLastingFailures
}

function databaseReason(board: Pick<Board, 'database' | 'state'>): string | null {
  const { writes, reads } = databaseFailures(board)
  return writes ?? reads
}

/** Troubles that last until somebody acts. The others end by themselves. */
const needsSomebody: Readonly<Record<DeliveryTrouble, boolean>> = {
  outage: false,
  'store outage': false,
  halted: true,
  rejecting: true,
  'unproven success': true,
  'unexpected success': false,
  'told to wait': true,
  'rate limited': false,
}

/** Returns ready if the connector streams, the API accepts the keys, the databases work, and what arrives is settled. */
export function readinessOf(
  board: Board,
  { mediquo }: Pick<Settings, 'mediquo'>,
): { readonly ready: boolean; readonly reason: string | null } {
  if (!isStreaming(board.state)) return { ready: false, reason: board.reason ?? board.state }
  const waitReason = board.pipeline?.waitReason ?? null
  if (waitReason !== null) return { ready: false, reason: waitReason }
  const trouble = board.pipeline?.view().trouble
  if (trouble && needsSomebody[trouble.kind]) return { ready: false, reason: trouble.reason }
  const failure = databaseReason(board)
  if (failure !== null) return { ready: false, reason: failure }
  const seconds = standstillSeconds(board, mediquo.limits)
  if (seconds !== null) return { ready: false, reason: `nothing has been settled for ${seconds} s` }
  return { ready: true, reason: null }
}
