import type { BatchOutcome } from '../delivery/dispatcher.ts'
import type { Settled } from '../pending/settled-row.ts'
import type { Parcel, Version } from '../pending/version.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** What the status shows of deliveries since the start. */
export interface Tally {
  delivered: number
  unchanged: number
  lastDeliveredAt: string | null
  lastError: string | null
}

/** Counts how a version ended. */
export function countSettled(metrics: Metrics, tally: Tally, outcome: Settled, version: Version, nowMs: number): void {
  switch (outcome) {
    case 'delivered':
      tally.delivered++
      tally.lastDeliveredAt = new Date(nowMs).toISOString()
      metrics.patientsDelivered.inc({ lane: version.lane })
      if (version.lane === 'live') {
        const seconds = Math.max(0, nowMs - version.committedAtMs) / 1000
        metrics.commitToDelivery.observe(seconds)
        metrics.recentDeliveries.observe(seconds)
      }
      return
    case 'unchanged':
    case 'superseded':
      tally.unchanged++
      metrics.patientsUnchanged.inc()
      return
    case 'ignored':
      metrics.deletesIgnored.inc()
      return
    case 'dead letter':
      metrics.deadLettered.inc({ reason: version.content.kind === 'invalid' ? 'invalid' : 'refused by the API' })
      return
    case 'nothing to remove':
      return
  }
}

/** Counts and logs an answer: one line a batch at debug, louder where somebody may have to act. */
export function countBatch(
  metrics: Metrics,
  logger: Logger,
  tally: Tally,
  batch: readonly Pick<Parcel, 'code' | 'key'>[],
  outcome: BatchOutcome,
): void {
  metrics.batchPatients.observe(batch.length)
  const patients = batch.length
  switch (outcome.kind) {
    case 'accepted':
      logger.debug({ patients }, 'batch accepted')
      return
    case 'retry':
      tally.lastError = outcome.reason
      metrics.retries.inc({ reason: outcome.reason })
      logger.warn({ patients, reason: outcome.reason }, 'batch not answered, will be sent again')
      return
    case 'pause':
      tally.lastError = 'status 429'
      metrics.retries.inc({ reason: 'status 429' })
      logger.warn({ patients, pauseMs: outcome.ms }, 'rate limit reached, pausing')
      return
    case 'halt':
      tally.lastError = outcome.reason
      metrics.retries.inc({ reason: outcome.reason })
      logger.error({ status: outcome.status, reason: outcome.reason }, 'sending halted, trying again')
      return
    case 'isolate':
    case 'split': {
      const status = outcome.kind === 'isolate' ? outcome.status : 413
      tally.lastError = `status ${status}`
      const [only] = batch
      if (batch.length === 1 && only) logger.warn({ key: only.key, code: only.code, status }, 'row refused')
      else logger.info({ patients, status }, 'batch refused, looking for the row')
      return
    }
  }
}
