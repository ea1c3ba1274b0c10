import type { BackfillDebts, Debts } from '../model/progress/debt.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { Position } from '../model/source/position.ts'
import type { EntriesOptions } from './entries.ts'
import type { StepPolicy } from './entry/next-step.ts'
import type { Confirming, SchedulerOptions } from './queue/entry-scheduler.ts'

/** Positions that an earlier run may have reached with what it sent. */
export interface EarlierRun {
  /** Newest streamed change that it may have sent: rule 9's U. Null if there was no earlier run, or the stream has passed it. */
  readonly horizon: Position | null
  /** R as stored. */
  readonly readLsn: Lsn | null
}

export interface PendingPolicy extends StepPolicy {
  /** Time after an acceptance in doubt by which every older request has been applied, milliseconds. */
  readonly confirmDelayMs: number
}

export interface PendingBounds {
  /** Rows that wait, are in flight or not yet stored, at which there is no room. Codes to unsubscribe have a bound of their own. */
  readonly rows: number
  readonly bytes: number
  readonly unsubscriptions: number
  readonly marks: number
}

export interface PendingOptions {
  /** Ledgers of the unsettled versions: those of the stream's transactions, and those of a backfill's pages. */
  readonly ledgers: { readonly stream: Debts; readonly backfill: BackfillDebts }
  readonly earlier: EarlierRun
  readonly policy: PendingPolicy
  readonly bounds: PendingBounds
  readonly confirming: Confirming
  readonly listener: Pick<SchedulerOptions, 'onSettled' | 'onEndRefused'> & Pick<EntriesOptions, 'onOwed'>
}
