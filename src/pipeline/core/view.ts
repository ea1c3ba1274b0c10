import type { Trouble } from '../../delivery/circuit.ts'
import type { BackfillRun } from '../../model/progress/backfill-run.ts'
import type { Lane } from '../../model/progress/lane.ts'
import type { DurableLsn, Lsn } from '../../model/source/lsn.ts'
import type { Xid } from '../../model/source/visibility.ts'
import type { CoreParts } from './parts.ts'

/** Counts, ages and positions for status, metrics, readiness and the checks of a simulation. */
export interface View {
  readonly waiting: Readonly<Record<Lane, number>>
  readonly sendable: Readonly<Record<Lane, number>>
  readonly patientsInFlight: number
  readonly requestsInFlight: number
  /** Rows in memory, and bytes that their versions occupy. */
  readonly entries: number
  readonly payloadBytes: number
  readonly unrecorded: number
  readonly isSendingHeld: boolean
  /** Time for which nothing may be sent because requests of another process may be applied, milliseconds; 0: none (rule 15). */
  readonly othersLeaseMs: number
  /** Time for which a request of this core without an answer may still be applied, milliseconds; 0: none. */
  readonly requestsOutMs: number
  readonly isPaused: boolean
  readonly isActive: boolean
  readonly isTransactionOpen: boolean
  /** Number of transactions that are not settled. */
  readonly unsettled: number
  readonly readBacks: number
  /** Number of codes that wait to be unsubscribed. */
  readonly unsubscriptions: number
  readonly receivedLsn: Lsn
  readonly settledLsn: Lsn
  readonly durableLsn: DurableLsn
  /** Transaction of the newest TRUNCATE that the stream has brought; null if there is none. */
  readonly truncatedBy: Xid | null
  readonly trouble: Trouble | null
  readonly backfill: BackfillRun | null
  /** Counter that grows while a backfill makes progress. */
  readonly backfillMark: number
  /** Age of the oldest transaction that is not settled, milliseconds; 0 if there is none. */
  readonly oldestUnsettledMs: number
  /** Time for which the settled position has not moved although something could be settled, milliseconds. */
  readonly standstillMs: number
  /** Effects that were issued and are not answered. */
  readonly outstanding: number
  /** True if nothing known remains to be done: nothing waits, is in flight, unrecorded, listed as owed or to be read back. */
  readonly isQuiet: boolean
}

/** Computes the view of the core at a given time. */
export function viewOf(parts: CoreParts, isActive: boolean, nowMs: number): View {
  const { pending, tickets } = parts
  const { receiving, backPressure, truncations } = parts.stream
  const { backfilling } = parts.table
  const { progress, recording } = parts.record
  const { sending } = parts.delivery
  return {
    waiting: { ...pending.waiting },
    sendable: pending.sendable,
    patientsInFlight: pending.inFlight,
    requestsInFlight: sending.requestsInFlight,
    entries: pending.entries,
    payloadBytes: pending.bytes,
    unrecorded: pending.unrecorded,
    isSendingHeld: pending.isSendingHeld,
    othersLeaseMs: (recording.waitsUntilMs(nowMs) ?? nowMs) - nowMs,
    requestsOutMs: Math.max(0, (recording.outUntilMs(nowMs) ?? nowMs) - nowMs),
    isPaused: backPressure.isPaused,
    isActive,
    isTransactionOpen: receiving.openCommitLsn !== null,
    unsettled: progress.spans,
    readBacks: pending.readBacks,
    unsubscriptions: pending.unsubscriptions,
    receivedLsn: progress.receivedLsn,
    settledLsn: progress.settledLsn,
    durableLsn: progress.durableLsn,
    truncatedBy: truncations.newest?.xid ?? null,
    trouble: sending.trouble,
    backfill: backfilling.current,
    backfillMark: backfilling.mark,
    oldestUnsettledMs: progress.oldestUnsettledMs(nowMs),
    standstillMs: progress.standstillMs(nowMs, backPressure.pausedMs(nowMs)),
    outstanding: tickets.outstanding,
    isQuiet: isActive && isQuiet(parts, nowMs),
  }
}

function isQuiet(parts: CoreParts, nowMs: number): boolean {
  const { pending } = parts
  const { reading, backfilling, owed } = parts.table
  const { progress, recording } = parts.record
  const { sending } = parts.delivery
  const { waiting } = pending
  return (
    waiting.live + waiting.backfill + pending.inFlight + pending.unrecorded + pending.readBacks === 0 &&
    sending.requestsInFlight === 0 &&
    !sending.isSearching &&
    progress.spans === 0 &&
    backfilling.current === null &&
    reading.isIdle &&
    owed.every((part) => part.isIdle(nowMs)) &&
    recording.isIdle(nowMs)
  )
}
