import { backOffMs } from '../lifecycle/back-off.ts'
import { ConnectorError } from '../model/failure/connector-error.ts'
import { failures } from '../model/failure/failure.ts'
import { kindOf } from '../model/failure/kind-of.ts'
import { defaultIntervals } from '../model/intervals.ts'
import type { ConnectorState } from '../model/status/status.ts'
import { describeConnectionFailure } from '../source/connection/connection-failure.ts'
import { BlockedError } from '../startup/blocked.ts'
import { type Evidence, noEvidence } from '../startup/identity/found-identity.ts'
import { SchemaChangedError } from '../startup/schema/schema-change.ts'

/** Reaction of the connector to a failure: the state to show, and the time until the next attempt. */
export interface NextAttempt {
  readonly state: Extract<ConnectorState, 'starting' | 'standby' | 'blocked'>
  readonly reason: string
  readonly waitMs: number
}

const anyRun = Number.POSITIVE_INFINITY
const standbyForMs = 1_000
/** Run time after which a pipeline counts as successful, milliseconds. */
const notInVainMs = 10_000

interface PreparingFailed {
  readonly attempt: number
  readonly isFirst: boolean
  readonly random: number
  /** Time until the next attempt if somebody must act, milliseconds. */
  readonly blockedMs?: number
}

/** Returns the reaction to a failed preparation. An error: the process ends with it, since it was started with a mistake. Pure. */
export function afterPreparing(
  error: unknown,
  { attempt, isFirst, random, blockedMs = defaultIntervals.blockedMs }: PreparingFailed,
): NextAttempt | Error {
  const failure = failures[kindOf(error)]
  const sentence = describeConnectionFailure(error, 'the source')
  const reason = error instanceof ConnectorError ? error.message : sentence
  const waitMs = 500 + backOffMs(attempt, random, { baseMs: 500, maxMs: 15_000 })
  const retry: NextAttempt = { state: 'starting', reason: sentence, waitMs }
  switch (failure.action) {
    // 1. Somebody must decide; in the meantime the process shows the reason.
    case 'block':
      return blocked(reason, blockedMs)
    // 2. Another instance uses the slot, or was faster to create it.
    case 'standby':
      return standby(reason)
    // 3. A requirement is not met, the configuration does not fit, or the database rejects the connection: at the start by mistake, later
    // possibly for a while.
    case 'exit':
      if (isFirst) return error instanceof ConnectorError ? error : new ConnectorError('check failed', sentence)
      return failure.afterStart === 'block' ? blocked(reason, blockedMs) : retry
    // 4. All other failures are temporary.
    case 'retry':
    case 'restart':
      return retry
  }
}

/** Consecutive runs of the pipeline that ended with a lost slot or an altered table soon after they began. */
export interface LostInARow extends Evidence {
  readonly count: number
}

export const noneLost: LostInARow = { count: 0, ...noEvidence }

/** Limits the observation to the epoch about which somebody must decide. Pure. */
export function afterBlocked(lost: LostInARow, error: unknown): LostInARow {
  if (!(error instanceof BlockedError) || lost.replacedUpToRun === null) return lost
  return { ...lost, replacedUpToRun: Math.min(lost.replacedUpToRun, error.epoch) }
}

interface RunningFailed {
  readonly lost: LostInARow
  readonly ranMs: number
  /** Time until the next attempt if somebody must act, milliseconds. */
  readonly blockedMs?: number
}

/** Returns the reaction to a failure of the pipeline. It prepares the source again immediately, unless that has failed twice. Pure. */
export function afterRunning(
  failure: unknown,
  { lost, ranMs, blockedMs = defaultIntervals.blockedMs }: RunningFailed,
): { readonly next: NextAttempt; readonly lost: LostInARow } {
  const kind = kindOf(failure)
  const { action } = failures[kind]
  const sentence = describeConnectionFailure(failure, 'the source')
  const reason = failure instanceof ConnectorError ? failure.message : sentence
  if (action === 'standby') return { next: standby(reason), lost: noneLost }
  if (action !== 'restart') return { next: blocked(sentence, blockedMs), lost: noneLost }
  const count = ranMs < notInVainMs ? lost.count + 1 : 1
  const next: NextAttempt = count > 2 ? blocked(reason, blockedMs) : { state: 'starting', reason, waitMs: 0 }
  if (failure instanceof SchemaChangedError)
    return { next, lost: { ...noEvidence, count, alteredStream: failure.inStream } }
  // The slot looks intact but cannot be decoded: the publication was created after WAL that is still to come (up to version 17).
  const undecodable = count > 1 && kind === 'slot object missing'
  const replaced = undecodable || kind === 'publication dropped'
  return { next, lost: { ...noEvidence, count, replacedUpToRun: replaced ? anyRun : null } }
}

function blocked(reason: string, waitMs: number): NextAttempt {
  return { state: 'blocked', reason, waitMs }
}

function standby(reason: string): NextAttempt {
  return { state: 'standby', reason, waitMs: standbyForMs }
}
