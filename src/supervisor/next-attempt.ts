import { FencedError } from '../checkpoint/store/store.ts'
import { backOffMs } from '../lifecycle/back-off.ts'
import type { ConnectorState } from '../model/status/status.ts'
import { describeConnectionFailure } from '../source/connection/connection-failure.ts'
import { SlotTroubleError } from '../source/slot/slot-health.ts'
import { BlockedError, SlotBusyError } from '../startup/blocked.ts'
import { type Evidence, noEvidence } from '../startup/identity/found-identity.ts'
import { CheckFailedError } from '../startup/requirements/check-failed.ts'
import { SchemaChangedError } from '../startup/schema/schema-change.ts'

/** Reaction of the connector to a failure: the state to show, and the time until the next attempt. */
export interface NextAttempt {
  readonly state: Extract<ConnectorState, 'starting' | 'standby' | 'blocked'>
  readonly reason: string
  readonly waitMs: number
}

const anyRun = Number.POSITIVE_INFINITY
const blockedForMs = 10_000
const standbyForMs = 1_000
/** Run time after which a pipeline counts as successful, milliseconds. */
const notInVainMs = 10_000

/** Returns the reaction to a failed preparation. An error: the process ends with it, since it was started with a mistake. Pure. */
export function afterPreparing(
  error: unknown,
  { attempt, isFirst, random }: { readonly attempt: number; readonly isFirst: boolean; readonly random: number },
): NextAttempt | Error {
  // 1. Somebody must decide; in the meantime the process shows the reason.
  if (error instanceof BlockedError) return { state: 'blocked', reason: error.message, waitMs: blockedForMs }
  // 2. Another instance uses the slot, or was faster to create it.
  const { kind, sentence } = describeConnectionFailure(error, 'the source')
  if (error instanceof SlotBusyError || error instanceof FencedError) return standby(error.message)
  if (kind === 'slot in use' || codeOf(error) === duplicateObject) return standby(sentence)
  // 3. A requirement is not met, or the configuration does not fit.
  if (error instanceof Error && 'exitStatus' in error) {
    return isFirst ? error : { state: 'blocked', reason: error.message, waitMs: blockedForMs }
  }
  // 4. The database rejects the connection: at the start by mistake, later possibly for a while.
  if (isFirst && (kind === 'credentials' || kind === 'configuration')) {
    return new CheckFailedError([{ requirement: 'the source', met: false, detail: sentence, fix: null }])
  }
  // 5. All other failures are temporary.
  const waitMs = 500 + backOffMs(attempt, random, { baseMs: 500, maxMs: 15_000 })
  return { state: 'starting', reason: sentence, waitMs }
}

/** Consecutive runs of the pipeline that ended with a lost slot or an altered table soon after they began. */
export interface LostInARow extends Evidence {
  readonly count: number
}

export const noneLost: LostInARow = { count: 0, ...noEvidence }

/** Limits the observation to the epoch about which somebody must decide. Pure. */
export function afterBlocked(lost: LostInARow, error: unknown): LostInARow {
  if (!(error instanceof BlockedError) || lost.replacedUpToRun === null) return lost
  return { ...lost, replacedUpToRun: Math.min(lost.replacedUpToRun, error.run) }
}

/** Returns the reaction to a failure of the pipeline. It prepares the source again immediately, unless that has failed twice. Pure. */
export function afterRunning(
  failure: unknown,
  { lost, ranMs }: { readonly lost: LostInARow; readonly ranMs: number },
): { readonly next: NextAttempt; readonly lost: LostInARow } {
  if (failure instanceof FencedError) return { next: standby(failure.message), lost: noneLost }
  const { kind, sentence } = describeConnectionFailure(failure, 'the source')
  const noticed = failure instanceof SlotTroubleError || failure instanceof SchemaChangedError ? failure : null
  if (!noticed && kind !== 'slot lost') {
    return { next: { state: 'blocked', reason: sentence, waitMs: blockedForMs }, lost: noneLost }
  }
  const count = ranMs < notInVainMs ? lost.count + 1 : 1
  const reason = noticed?.message ?? sentence
  const next: NextAttempt =
    count > 2 ? { state: 'blocked', reason, waitMs: blockedForMs } : { state: 'starting', reason, waitMs: 0 }
  if (failure instanceof SchemaChangedError)
    return { next, lost: { ...noEvidence, count, alteredStream: failure.inStream } }
  // The slot looks intact but cannot be decoded: the publication was created after WAL that is still to come (up to version 17).
  const undecodable = count > 1 && codeOf(failure) === undefinedObject
  const replaced = undecodable || (failure instanceof SlotTroubleError && failure.trouble === 'publication dropped')
  return { next, lost: { ...noEvidence, count, replacedUpToRun: replaced ? anyRun : null } }
}

/** SQLSTATEs. PostgreSQL manual, Appendix A, "PostgreSQL Error Codes". */
const duplicateObject = '42710'
const undefinedObject = '42704'

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : null
}

function standby(reason: string): NextAttempt {
  return { state: 'standby', reason, waitMs: standbyForMs }
}
