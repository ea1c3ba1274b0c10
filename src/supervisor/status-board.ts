import type { Pipeline } from '../connector.ts'
import { type DeadLetterOverview, noDeadLetters } from '../model/dead-letter-overview.ts'
import { formatLsn } from '../model/lsn.ts'
import type { Pass } from '../model/pass.ts'
import type { ConnectorState, Status } from '../model/status.ts'
import { backfillStatus } from '../pipeline/backfill-status.ts'
import type { Tally } from '../pipeline/report.ts'
import type { SlotHealth } from '../source/slot-health.ts'
import type { Resources } from '../startup/resources.ts'
import type { SlotWatch } from './slot-watch.ts'

/** What is known for the status, whichever run of the pipeline it comes from. */
export interface Board {
  state: ConnectorState
  reason: string | null
  serverVersion: string
  health: SlotHealth | null
  pipeline: Pipeline | null
  /** What the slot holds; null before anything can be asked. */
  slotWatch: Pick<SlotWatch, 'forecast' | 'secondsToDrain' | 'isSoonLost' | 'warnings'> | null
  deadLetters: DeadLetterOverview
  /** The newest pass of the backfill that the state knows. */
  latestPass: Pass | null
  /** Health checks in a row that found rows to send, no trouble, and nothing in flight. */
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
    slotWatch: null,
    deadLetters: noDeadLetters,
    latestPass: null,
    stuckChecks: 0,
    tally: { delivered: 0, unchanged: 0, lastDeliveredAt: null, lastError: null },
  }
}

export function statusOf(
  board: Board,
  { settings, quotas, store }: Pick<Resources, 'settings' | 'quotas' | 'store'>,
): Status {
  const { pipeline, health, tally, slotWatch } = board
  const waiting = pipeline ? pipeline.pending.waiting.live + pipeline.pending.waiting.backfill : 0
  const backfilling = board.state === 'streaming' && pipeline?.backfill.isRunning === true
  return {
    state: backfilling ? 'backfilling' : board.state,
    reason: board.reason ?? pipeline?.dispatcher.trouble?.reason ?? null,
    source: {
      table: `${settings.source.table.schema}.${settings.source.table.table}`,
      slot: settings.source.slot,
      serverVersion: board.serverVersion,
      receivedLsn: pipeline ? formatLsn(pipeline.progress.receivedLsn) : null,
      checkpointLsn: pipeline ? formatLsn(pipeline.progress.durableLsn) : null,
      currentLsn: health && formatLsn(health.currentLsn),
      lagBytes: health?.lagBytes ?? null,
      retainedBytes: health?.retainedBytes ?? null,
      walStatus: health?.walStatus ?? null,
      safeWalBytes: health?.safeBytes ?? null,
      retainedBytesPerSecond: rounded(slotWatch?.forecast?.bytesPerSecond),
      secondsUntilSlotLost: rounded(slotWatch?.forecast?.secondsUntilLost),
      secondsToDrain: slotWatch?.secondsToDrain ?? null,
    },
    backfill: pipeline?.backfill.status() ?? backfillStatus(board.latestPass, settings.mediquo),
    delivery: {
      pending: waiting + (pipeline?.pending.inFlight ?? 0),
      inFlight: pipeline?.dispatcher.requestsInFlight ?? 0,
      requestsLastMinute: quotas.put.lastMinute,
      requestsPerMinute: settings.mediquo.requestsPerMinute,
      ...tally,
    },
    deadLetters: board.deadLetters.total,
    warnings: [...(slotWatch?.warnings ?? []), ...sharedCodesWarning(store.sharedCodes.count)],
  }
}

function sharedCodesWarning(codes: number): string[] {
  if (codes === 0) return []
  const which = codes === 1 ? 'a code is of several rows' : `${codes} codes are each of several rows`
  return [`${which}: mediQuo has the one that changed last; map code from a column that is unique`]
}

function rounded(figure: number | null | undefined): number | null {
  return figure === null || figure === undefined ? null : Math.round(figure)
}

/** Ready: streaming, and the API accepts the keys. */
export function readinessOf(board: Board): { readonly ready: boolean; readonly reason: string | null } {
  if (board.state !== 'streaming' && board.state !== 'backfilling')
    return { ready: false, reason: board.reason ?? board.state }
  const trouble = board.pipeline?.dispatcher.trouble
  if (trouble?.kind === 'halted' || trouble?.kind === 'rejecting') return { ready: false, reason: trouble.reason }
  return { ready: true, reason: null }
}
