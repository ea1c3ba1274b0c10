import type { Status } from '../model/status/status.ts'
import type { Resources } from '../startup/resources.ts'
import { type Board, readinessOf, statusOf } from './status-board.ts'

/** Registers the gauges of a connector, which read the board at scrape time. */
export function observe(resources: Resources, board: Board, healthy: () => boolean): void {
  const { settings, state, api, telemetry } = resources
  const asNumber = (holds: boolean) => (holds ? 1 : 0)
  telemetry.metrics.observe(
    {
      in_flight_requests: () => board.pipeline?.view().requestsInFlight ?? 0,
      dead_letters: () => board.deadLetters.total,
      replication_lag_bytes: () => board.health?.lagBytes ?? 0,
      slot_retained_bytes: () => board.health?.retainedBytes ?? 0,
      slot_safe_bytes: () => board.health?.safeBytes ?? Number.POSITIVE_INFINITY,
      slot_retained_bytes_per_second: () => board.slotWatch?.forecast?.bytesPerSecond ?? Number.NaN,
      slot_seconds_until_lost: () => board.slotWatch?.forecast?.secondsUntilLost ?? Number.POSITIVE_INFINITY,
      drain_seconds: () => board.slotWatch?.secondsToDrain ?? Number.NaN,
      oldest_unsettled_seconds: () => (board.pipeline?.view().oldestUnsettledMs ?? 0) / 1000,
      rate_limit_remaining: () => api.quotas.put.free,
      backfill_progress_ratio: () => backfillProgress(statusOf(board, resources)),
      backfill_mark: () => board.pipeline?.view().backfillMark ?? 0,
      shared_codes: () => state.store.sharedCodes.count,
      drift_ratio: () => telemetry.drift.ratio,
      healthy: () => asNumber(healthy()),
      ready: () => asNumber(readinessOf(board, settings).ready),
    },
    {
      pending: (lane) => board.pipeline?.view().waiting[lane] ?? 0,
      state: () => statusOf(board, resources).state,
      trouble: () => board.pipeline?.view().trouble?.kind ?? null,
      problems: () => board.problemWatch?.look() ?? [],
    },
  )
}

function backfillProgress({ backfill }: Status): number {
  const { state, rowsRead, rowsEstimated } = backfill
  if (state === 'done') return 1
  return rowsEstimated === 0 ? 0 : rowsRead / rowsEstimated
}
