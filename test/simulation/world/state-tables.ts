import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { BackfillRun, BackfillRunReason } from '../../../src/model/progress/backfill-run.ts'
import type { OwedReason, StoredRow } from '../../../src/model/progress/stored-row.ts'
import type { Lsn } from '../../../src/model/source/lsn.ts'
import { comparePositions, type Position } from '../../../src/model/source/position.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import type { Xid } from '../../../src/model/source/visibility.ts'
import { codesOwnedBy } from '../../../src/pending/unrecorded-rows.ts'
import type { Settlement } from '../../../src/pipeline/core/effects.ts'

export interface OwedQuestion {
  readonly reasons: readonly OwedReason[]
  readonly beforeLsn: bigint | null
  readonly limit: number
}

/** Checkpoint store, as `src/checkpoint` writes it: survives a crash. */
export class StateTables {
  readonly rows = new Map<RowKey, StoredRow>()
  readonly backfillRuns: BackfillRun[] = []
  lsn: number
  horizon: Position | null = null
  readLsn: Lsn | null = null
  slotGapXid: Xid | null = null
  run = 0
  /** Time at which each owed row is due. */
  readonly #dueAtMs = new Map<RowKey, number>()

  constructor(lsn: number) {
    this.lsn = lsn
  }

  /** Writes everything in one transaction. A write of an earlier run changes nothing. */
  record(run: number, { rows, checkpointLsn, horizon, readLsn, backfill }: Settlement, nowMs: number): boolean {
    if (run !== this.run) return false
    for (const row of rows) this.#store(row, nowMs)
    this.lsn = Number(checkpointLsn)
    this.horizon = horizon ?? this.horizon
    this.readLsn = readLsn ?? this.readLsn
    const at = this.backfillRuns.findIndex(({ id, state }) => id === backfill?.id && state === 'running')
    const running = this.backfillRuns[at]
    if (!backfill || !running) return true
    const { position, rowsRead, done } = backfill
    this.backfillRuns[at] = { ...running, position, rowsRead, state: done ? 'done' : 'running' }
    return true
  }

  #store(row: StoredRow, nowMs: number): void {
    // A dead letter marked as kept is the earlier one, if it is still there.
    const deadLetter = row.deadLetter === 'kept' ? (this.rows.get(row.key)?.deadLetter ?? null) : row.deadLetter
    this.rows.set(row.key, { ...row, deadLetter })
    if (row.owed) this.#dueAtMs.set(row.key, nowMs + row.owed.delayMs)
    else this.#dueAtMs.delete(row.key)
  }

  loadRecords(keys: readonly RowKey[]): { readonly rows: Map<RowKey, StoredRow>; readonly shared: Set<RowKey> } {
    const loaded = keys.flatMap((key) => this.rows.get(key) ?? [])
    return {
      rows: new Map(loaded.map((row) => [row.key, { ...row, owed: row.owed && { ...row.owed, delayMs: 0 } }])),
      shared: new Set(loaded.flatMap((row) => (this.#isShared(row) ? [row.key] : []))),
    }
  }
  /** Returns true if another row has the same code: nobody knows which of the two patients the API has. */
  #isShared({ key, code }: StoredRow): boolean {
    return [...this.rows.values()].some(
      (other) => other.code !== null && other.code === code && other.key !== key && !other.removed,
    )
  }

  /** Returns the rows that have each code, will have it once they are read, or are owed and had it. */
  holdersOf(codes: readonly PatientCode[]): Map<PatientCode, RowKey[]> {
    const rows = [...this.rows.values()]
    return new Map(
      codes.map((code) => [code, rows.filter((row) => codesOwnedBy(row).includes(code)).map(({ key }) => key)]),
    )
  }

  /** Returns the owed rows that are due, the oldest first, and the time until the next one. */
  owedRows({ reasons, beforeLsn, limit }: OwedQuestion, nowMs: number) {
    const owed = [...this.rows.values()].filter(
      (row) =>
        row.owed !== null &&
        reasons.includes(row.owed.reason) &&
        (beforeLsn === null || row.position === null || row.position.commitLsn < beforeLsn),
    )
    const dueAtMs = ({ key }: StoredRow) => this.#dueAtMs.get(key) ?? 0
    const due = owed.filter((row) => dueAtMs(row) <= nowMs).sort((a, b) => dueAtMs(a) - dueAtMs(b))
    const later = owed.filter((row) => dueAtMs(row) > nowMs).map((row) => dueAtMs(row) - nowMs)
    return {
      keys: due.slice(0, limit).map(({ key }) => key),
      nextInMs: later.length > 0 ? Math.min(...later) : null,
    }
  }

  get hasOwed(): boolean {
    return [...this.rows.values()].some(({ owed }) => owed !== null)
  }

  /** Returns true if the owed row contains a change: it is read again, from a snapshot that sees the change. */
  isOwed(key: RowKey, position: Position): boolean {
    const row = this.rows.get(key)
    return row?.owed != null && row.position !== null && comparePositions(row.position, position) >= 0
  }

  /** Returns rows that the second half of a backfill looks for. */
  rowsAfter(after: RowKey | null, limit: number, codes: readonly PatientCode[] | null): RowKey[] {
    return [...this.rows.values()]
      .filter((row) => !row.removed || row.deadLetter !== null || row.owed !== null)
      .filter((row) => after === null || row.key > after)
      .filter((row) => codes === null || (row.code !== null && codes.includes(row.code)))
      .map(({ key }) => key)
      .sort()
      .slice(0, limit)
  }

  /**
   * Requests a backfill of the whole table, which replaces earlier requests. @param pageSize the rows of a page. The default would read all
   * rows at once.
   */
  requestPass(reason: BackfillRunReason, pageSize: number): void {
    for (const [at, backfill] of this.backfillRuns.entries())
      if (backfill.state !== 'done') this.backfillRuns[at] = { ...backfill, state: 'replaced' }
    const times = { startedAt: null, finishedAt: null }
    this.backfillRuns.push({
      id: this.backfillRuns.length + 1,
      state: 'requested',
      reason,
      codes: null,
      keys: null,
      position: { phase: 'table', after: null, pageSize },
      rowsRead: 0,
      rowsEstimated: 0,
      ...times,
    })
  }
  closeSlotGap(): void {
    this.slotGapXid = null
  }
  nextPass(): BackfillRun | null {
    return this.backfillRuns.find(({ state }) => state === 'requested' || state === 'running') ?? null
  }
  /** Returns the run to continue or to begin, and begins it. */
  beginPass(): BackfillRun | null {
    const found = this.nextPass()
    if (!found) return null
    const begun: BackfillRun = { ...found, state: 'running', startedAt: found.startedAt ?? new Date(0) }
    this.backfillRuns[this.backfillRuns.indexOf(found)] = begun
    return found.state === 'running' ? found : begun
  }
}
