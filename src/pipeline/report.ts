import { type BatchOutcome, refusalOf } from '../delivery/outcome.ts'
import type { Status } from '../model/status/status.ts'
import { unreachable } from '../model/unreachable.ts'
import type { Delivery } from '../pending/entry/version.ts'
import type { Resources } from '../startup/resources.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { backfillStatus } from './backfill-status.ts'
import type { Fact } from './core/events.ts'

/** Deliveries since the start, as the status shows them. */
export interface Tally {
  delivered: number
  unchanged: number
  lastDeliveredAt: string | null
  lastError: string | null
}

/** Counts and logs the facts of the core. */
export function createReport(resources: Pick<Resources, 'settings' | 'telemetry' | 'runtime'>, tally: Tally) {
  const { settings } = resources
  const { metrics, logger } = resources.telemetry
  const { clocks } = resources.runtime
  let lastBackfill: Status['backfill'] | null = null

  function tellOne(fact: Fact): void {
    switch (fact.kind) {
      case 'received':
        metrics.received[fact.operation] += fact.changes
        return
      case 'truncated':
        if (fact.isIgnored) {
          metrics.truncatesIgnored.inc()
          logger.warn('TRUNCATE ignored: the patients stay as they are')
        } else logger.warn('table truncated, a backfill looks for the rows that are gone')
        return
      case 'settled':
        countSettled(metrics, tally, fact, clocks.wallClockMs())
        return
      case 'end refused':
        metrics.deadLettered.inc({ reason: fact.rejection })
        return
      case 'batch answered':
        countBatch(metrics, logger, tally, fact.batch, fact.outcome)
        return
      case 'batch read back': {
        const { patients, shown, status } = fact
        if (shown === patients) logger.debug({ patients, status }, 'batch read back: it was delivered')
        else logger.error({ patients, shown, status }, 'batch read back: not delivered, will be sent again')
        return
      }
      case 'every patient refused':
        logger.error({ status: fact.status }, 'sending halted: the API refuses every patient alike, trying again')
        return
      case 'backfill started': {
        const { reason, rowsEstimated, rowsRead } = fact.run
        logger.info({ reason, rowsEstimated, rowsRead, resumed: fact.isResumed }, 'backfill started')
        return
      }
      case 'backfill progress':
        logger.info(backfillStatus(fact.run, settings.mediquo.limits), 'backfill progress')
        return
      case 'backfill done': {
        const { run, rowsRead } = fact
        const finishedAt = new Date(clocks.wallClockMs())
        lastBackfill = backfillStatus({ ...run, state: 'done', rowsRead, finishedAt }, settings.mediquo.limits)
        logger.info({ reason: run.reason, rowsRead }, 'backfill done')
        return
      }
      case 'table empty':
        if (fact.isPutOff) logger.warn('the table is empty: the backfill begins once it has rows')
        else logger.warn('the table is empty: rows that the state knows are left alone')
        return
      case 'reads wait for slot gap':
        logger.warn('rows are not read yet: transactions that ran when the slot was made are still open')
        return
      case 'rows owed':
        logger.debug({ rows: fact.rows }, 'rows noted, to be read from the table later')
        return
      case 'overtaken':
        logger.warn({ code: fact.code }, 'an older request was applied after a newer one, sending again')
        return
      case 'differs':
        logger.warn({ code: fact.code }, 'mediQuo shows something else than it accepted')
        return
      default:
        unreachable(fact)
    }
  }

  return {
    tell: (facts: readonly Fact[]) => facts.forEach(tellOne),
    get lastBackfill() {
      return lastBackfill
    },
  }
}

/** Counts settled versions by outcome. */
function countSettled(
  metrics: Metrics,
  tally: Tally,
  { outcome, lane, committedAtMs, rejection, rows }: Extract<Fact, { kind: 'settled' }>,
  nowMs: number,
): void {
  switch (outcome) {
    case 'delivered':
      tally.delivered += rows
      tally.lastDeliveredAt = new Date(nowMs).toISOString()
      metrics.patientsDelivered.inc({ lane }, rows)
      if (lane === 'live') {
        const seconds = Math.max(0, nowMs - committedAtMs) / 1000
        metrics.commitToDelivery.observe(seconds)
        metrics.recentDeliveries.observe(seconds)
      }
      return
    case 'unchanged':
    case 'superseded':
      tally.unchanged += rows
      metrics.patientsUnchanged.inc(rows)
      return
    case 'ignored':
      metrics.deletesIgnored.inc(rows)
      return
    case 'dead letter':
      metrics.deadLettered.inc({ reason: rejection ?? 'refused by the API' }, rows)
      return
    case 'nothing to remove':
    case 'owed':
      return
    default:
      unreachable(outcome)
  }
}

/** Counts and logs an answer: one line per batch at debug level, a higher level where somebody may have to act. */
function countBatch(
  metrics: Metrics,
  logger: Logger,
  tally: Tally,
  batch: readonly Pick<Delivery, 'code' | 'key'>[],
  outcome: BatchOutcome,
): void {
  metrics.batchPatients.observe(batch.length)
  const patients = batch.length
  switch (outcome.kind) {
    case 'accepted':
      logger.debug({ patients }, 'batch accepted')
      return
    case 'unexpected success':
      tally.lastError = `unexpected success ${outcome.status}`
      metrics.retries.inc({ reason: 'unexpected success' })
      logger.warn({ patients, status: outcome.status }, 'success that is not documented, reading the patients back')
      return
    case 'retry':
      tally.lastError = outcome.reason
      metrics.retries.inc({ reason: outcome.reason })
      logger.warn({ patients, reason: outcome.reason }, 'batch not answered, will be sent again')
      return
    case 'pause':
      tally.lastError = 'status 429'
      metrics.retries.inc({ reason: 'status 429' })
      logger.warn({ patients, pauseMs: outcome.ms, until: outcome.until }, 'rate limit reached, pausing')
      return
    case 'halt':
      tally.lastError = outcome.reason
      metrics.retries.inc({ reason: outcome.reason })
      logger.error({ status: outcome.status, reason: outcome.reason }, 'sending halted, trying again')
      return
    case 'isolate':
    case 'split': {
      const { status } = refusalOf(outcome)
      tally.lastError = `status ${status}`
      const [only] = batch
      if (batch.length === 1 && only) logger.warn({ key: only.key, code: only.code, status }, 'row refused')
      else logger.info({ patients, status }, 'batch refused, looking for the row')
      return
    }
    default:
      unreachable(outcome)
  }
}
