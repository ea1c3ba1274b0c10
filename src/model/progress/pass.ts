import type { PatientCode } from '../patient/patient.ts'
import type { RowKey } from '../source/row.ts'

/** Why a pass over the table was asked for. `found to differ`: mediQuo holds something else of these rows than it accepted. */
export const passReasons = [
  'first run',
  'asked for',
  'slot lost',
  'identity changed',
  'table altered',
  'found to differ',
] as const
export type PassReason = (typeof passReasons)[number]

/** `replaced`: a later pass over the whole table contains it. */
export const passStates = ['requested', 'running', 'done', 'replaced'] as const
export type PassState = (typeof passStates)[number]

/**
 * Up to where a pass has gone: it walks over the table's rows, and over the rows that the state knows, which finds those that
 * are gone from the table.
 */
export interface PassPosition {
  readonly phase: 'table' | 'state'
  readonly after: RowKey | null
  /** How many rows a read may ask for, as far as the reads before have shown. */
  readonly pageSize: number
}

/** A pass of the backfill as the state has it. `position`: everything up to there is settled; null: nothing yet. */
export interface Pass {
  readonly id: number
  readonly state: PassState
  readonly reason: PassReason
  /** Only the rows of these codes, or of these keys; the whole table if both are null. */
  readonly codes: readonly PatientCode[] | null
  readonly keys: readonly RowKey[] | null
  readonly position: PassPosition | null
  readonly rowsRead: number
  readonly rowsEstimated: number
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

/** How far a pass has settled. */
export interface PassProgress {
  readonly id: number
  readonly position: PassPosition | null
  readonly rowsRead: number
  readonly done: boolean
}

/** At the quota, if every row left has to be sent. */
export function secondsLeft(
  { rowsRead, rowsEstimated }: Pick<Pass, 'rowsRead' | 'rowsEstimated'>,
  quota: { readonly batchSize: number; readonly requestsPerMinute: number },
): number {
  const requests = Math.ceil(Math.max(0, rowsEstimated - rowsRead) / quota.batchSize)
  return Math.ceil((requests * 60) / quota.requestsPerMinute)
}
