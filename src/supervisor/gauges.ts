import type { Status } from '../model/status/status.ts'
import type { Resources } from '../startup/resources.ts'
import { type Board, readinessOf, statusOf } from './status-board.ts'

/** Registers the gauges of a connector, which read the board at scrape time. */
export function observe(resources: Resources, board: Board, healthy: () => boolean): void {
  const { metrics, quotas, settings } = resources
  metrics.observe({
    pending: (lane) => board.pipeline?.view().waiting[lane] ?? 0,
    inFlightRequests: () => board.pipeline?.view().requestsInFlight ?? 0,
    deadLetters: () => board.deadLetters.total,
    replicationLagBytes: () => board.health?.lagBytes ?? 0,
    slotRetainedBytes: () => board.health?.retainedBytes ?? 0,
    slotSafeBytes: () => board.health?.safeBytes ?? Number.POSITIVE_INFINITY,
    slotRetainedBytesPerSecond: () => board.slotWatch?.forecast?.bytesPerSecond ?? Number.NaN,
    slotSecondsUntilLost: () => board.slotWatch?.forecast?.secondsUntilLost ?? Number.POSITIVE_INFINITY,
    secondsToDrain: () => board.slotWatch?.secondsToDrain ?? Number.NaN,
    rateLimitRemaining: () => quotas.put.free,
    backfillProgress: () => backfillProgress(statusOf(board, resources)),
    backfillMark: () => board.pipeline?.view().backfillMark ?? 0,
    problems: () => board.problemWatch?.look() ?? [],
    driftRatio: () => resources.drift.ratio,
    sharedCodes: () => resources.store.sharedCodes.count,
    ready: () => readinessOf(board, settings).ready,
    healthy,
    oldestUnsettledSeconds: () => (board.pipeline?.view().oldestUnsettledMs ?? 0) / 1000,
    state: () => statusOf(board, resources).state,
    trouble: () => board.pipeline?.view().trouble?.kind ?? null,
  })
}

function backfillProgress({ backfill }: Status): number {
  const { state, rowsRead, rowsEstimated } = backfill
  if (state === 'done') return 1
  return rowsEstimated === 0 ? 0 : rowsRead / rowsEstimated
}
