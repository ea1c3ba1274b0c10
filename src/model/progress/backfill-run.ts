import type { ApiLimits } from '../api-limits.ts'
import type { PatientCode } from '../patient/patient.ts'
import type { RowKey } from '../source/row.ts'

/**
 * Reasons for a backfill run. `found to differ`: mediQuo has something else for these rows than it accepted. `truncated`: rows are
 * gone without a change for each.
 * `rows replaced`: the same, and rows that are gone stay as they are.
 */
export const backfillRunReasons = [
  'first run',
  'asked for',
  'slot lost',
  'identity changed',
  'table altered',
  'store went back',
  'mapping changed',
  'found to differ',
  'truncated',
  'rows replaced',
] as const
export type BackfillRunReason = (typeof backfillRunReasons)[number]

/** Assumptions of the runs of a reason. */
interface BackfillRunTrust {
  /** A row whose fingerprint is equal is not sent. */
  readonly fingerprints: boolean
  /** No row can be gone unnoticed, since the slot existed before anything was sent. */
  readonly completeness: boolean
  /** An empty table is about to be filled again: the run begins once it has rows. Else the run ends, and leaves the known rows alone. */
  readonly reload: boolean
}

export const backfillRunTrust: Readonly<Record<BackfillRunReason, BackfillRunTrust>> = {
  'first run': { fingerprints: true, completeness: true, reload: false },
  'asked for': { fingerprints: true, completeness: false, reload: false },
  'slot lost': { fingerprints: true, completeness: false, reload: true },
  'identity changed': { fingerprints: true, completeness: false, reload: true },
  'table altered': { fingerprints: true, completeness: false, reload: true },
  'store went back': { fingerprints: true, completeness: false, reload: true },
  'mapping changed': { fingerprints: true, completeness: false, reload: true },
  'found to differ': { fingerprints: false, completeness: false, reload: false },
  truncated: { fingerprints: true, completeness: false, reload: true },
  'rows replaced': { fingerprints: true, completeness: true, reload: false },
}

/** Reasons of the runs that wait while the table is empty, or is being filled again. */
export const reloadReasons = backfillRunReasons.filter((reason) => backfillRunTrust[reason].reload)

/** `replaced`: a later run over the whole table takes its place. */
export const backfillRunStates = ['requested', 'running', 'done', 'replaced'] as const
export type BackfillRunState = (typeof backfillRunStates)[number]

/**
 * Position of a backfill run. It reads the table's rows, and then the rows that the store knows, which finds those that are gone
 * from the table.
 */
export interface BackfillRunPosition {
  readonly phase: 'table' | 'state'
  readonly after: RowKey | null
  /** Number of rows that a read may request, derived from the reads before. */
  readonly pageSize: number
}

/** A backfill run as stored. `position`: position up to which everything is settled; null: nothing yet. */
export interface BackfillRun {
  readonly id: number
  readonly state: BackfillRunState
  readonly reason: BackfillRunReason
  /** Codes or keys of the rows to read; the whole table if both are null. */
  readonly codes: readonly PatientCode[] | null
  readonly keys: readonly RowKey[] | null
  readonly position: BackfillRunPosition | null
  readonly rowsRead: number
  readonly rowsEstimated: number
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

/** Settled part of a backfill run. */
export interface BackfillRunProgress {
  readonly id: number
  readonly position: BackfillRunPosition | null
  readonly rowsRead: number
  readonly done: boolean
}

/** Returns the time to the end at the quota, if every remaining row has to be sent. */
export function secondsLeft(
  { rowsRead, rowsEstimated }: Pick<BackfillRun, 'rowsRead' | 'rowsEstimated'>,
  quota: Pick<ApiLimits, 'batchSize' | 'requestsPerMinute'>,
): number {
  const requests = Math.ceil(Math.max(0, rowsEstimated - rowsRead) / quota.batchSize)
  return Math.ceil((requests * 60) / quota.requestsPerMinute)
}
