import { type OwnWrites, standingSince, type WriterStamp, type Writership } from '../../../src/checkpoint/writer.ts'
import type { PatientCode } from '../../../src/model/patient/patient.ts'
import { type BackfillRun, type BackfillRunReason, reloadReasons } from '../../../src/model/progress/backfill-run.ts'
import { type Owed, type OwedReason, type StoredRow, toConfirm } from '../../../src/model/progress/stored-row.ts'
import type { Lsn } from '../../../src/model/source/lsn.ts'
import { comparePositions, type Position } from '../../../src/model/source/position.ts'
import type { RowKey } from '../../../src/model/source/row.ts'
import type { Xid } from '../../../src/model/source/visibility.ts'
import { codesNamedBy, codesOwnedBy } from '../../../src/pending/entry/record-codes.ts'
import type { Settlement } from '../../../src/pipeline/core/effects.ts'
import type { EffectOf } from '../driver/handlers.ts'

export interface OwedQuestion {
  readonly reasons: readonly OwedReason[]
  readonly beforeLsn: bigint | null
  readonly limit: number
}

type Positions = Pick<StateTables, 'lsn' | 'horizon' | 'readLsn' | 'slotGapXid' | 'stamp' | 'lease'>

/** Content of the tables at one time. */
export interface StateCopy extends Readonly<Positions> {
  readonly rows: readonly (readonly [RowKey, StoredRow])[]
  readonly backfillRuns: readonly BackfillRun[]
  readonly dueAtMs: readonly (readonly [RowKey, number])[]
  readonly soughtSinceMs: readonly (readonly [RowKey, number])[]
}

/** Checkpoint store, as `src/checkpoint` writes it: survives a crash. */
export class StateTables {
  readonly rows = new Map<RowKey, StoredRow>()
  readonly backfillRuns: BackfillRun[] = []
  lsn: number
  horizon: Position | null = null
  readLsn: Lsn | null = null
  slotGapXid: Xid | null = null
  stamp: WriterStamp = { epoch: 0, writer: null, writes: 0, previousWriter: null, previousWrites: null }
  /** Time until which requests of a writer may be out; null if none is. */
  lease: { readonly untilMs: number; readonly by: string } | null = null
  #takeOvers = 0
  /** Time at which each owed row is due. */
  readonly #dueAtMs = new Map<RowKey, number>()
  /** Time since which a code of each owed row is looked for in vain. */
  readonly #soughtSinceMs = new Map<RowKey, number>()

  readonly #pageSize: number

  /** @param pageSize the rows of a page. The default would read all rows in one page. */
  constructor(lsn: number, pageSize: number) {
    this.lsn = lsn
    this.#pageSize = pageSize
  }

  get run(): number {
    return this.stamp.epoch
  }
  /** Begins a new epoch without a writer, as a change of the slot does. */
  raiseEpoch(): void {
    this.stamp = { ...this.stamp, epoch: this.stamp.epoch + 1 }
  }

  /**
   * Makes a process the writer. @param expected the stamp as the process loaded it; null: it is the writer already. @returns the time for which
   * requests of others may be out, or null if the process is not what it should be.
   */
  takeOver(
    writership: Writership,
    expected: WriterStamp | null,
    nowMs: number,
  ): { readonly othersLeaseMs: number } | null {
    const { stamp, lease } = this
    const writer = `take-over ${++this.#takeOvers}`
    writership.beginTakeOver(writer)
    const standing = expected ? standingSince(expected, stamp) : writership.standing(stamp)
    if (standing !== 'current') return null
    const { epoch, writes } = stamp
    const taken = { epoch: epoch + 1, writer, writes: writes + 1 }
    this.stamp = { ...taken, previousWriter: stamp.writer, previousWrites: writes }
    writership.tookOver(taken)
    return { othersLeaseMs: lease === null || writership.isOwn(lease.by) ? 0 : Math.max(0, lease.untilMs - nowMs) }
  }

  /** Returns true if a write would be stored: nobody has taken over, no answered write is missing, and no later one was stored. */
  accepts({ epoch, writer, confirmed, begun }: OwnWrites): boolean {
    const { stamp } = this
    return stamp.epoch === epoch && stamp.writer === writer && stamp.writes >= confirmed && stamp.writes < begun
  }

  /** Writes everything in one transaction. @returns the other rows that became owed; null: a write that is not accepted changes nothing. */
  record(own: OwnWrites, settlement: Settlement, nowMs: number): readonly RowKey[] | null {
    if (!this.accepts(own)) return null
    const { rows, takenCodes, checkpointLsn, horizon, readLsn, backfill, backfillRequest, leaseMs } = settlement
    this.stamp = { ...this.stamp, writes: own.begun }
    if (leaseMs !== null) this.lease = leaseMs === 0 ? null : { untilMs: nowMs + leaseMs, by: own.writer }
    const owed = this.#owedAgain(rows, takenCodes, nowMs)
    for (const row of rows) this.#store(row, nowMs)
    this.lsn = Number(checkpointLsn)
    this.horizon = horizon ?? this.horizon
    this.readLsn = readLsn ?? this.readLsn
    if (backfillRequest !== null && !this.#isRequested(backfillRequest)) this.#request(backfillRequest)
    const at = this.backfillRuns.findIndex(({ id, state }) => id === backfill?.id && state === 'running')
    const running = this.backfillRuns[at]
    if (!backfill || !running) return owed
    const { position, rowsRead, done } = backfill
    this.backfillRuns[at] = { ...running, position, rowsRead, state: done ? 'done' : 'running' }
    return owed
  }

  /** Makes the rows owed that have a code which another row gives up, except those of the write. */
  #owedAgain(
    written: readonly StoredRow[],
    { codes, inDoubt, accepted }: Settlement['takenCodes'],
    nowMs: number,
  ): RowKey[] {
    const others = [...this.rows.values()].filter(
      (row) =>
        written.every(({ key }) => key !== row.key) &&
        codesNamedBy({ ...row, owed: null }).some((code) => codes.includes(code)),
    )
    for (const row of others) {
      const reason = row.fingerprint === null ? 'confirm' : 'content'
      const owed: Owed = row.owed ?? { reason, nextCode: null, delayMs: 0 }
      this.rows.set(row.key, {
        ...row,
        fingerprint: null,
        unacceptedCodes: row.unacceptedCodes.filter((code) => !accepted.includes(code)),
        owed: codesNamedBy({ ...row, owed: null }).some((code) => inDoubt.includes(code)) ? toConfirm(owed) : owed,
      })
      if (!row.owed) this.#dueAtMs.set(row.key, nowMs)
    }
    return others.map(({ key }) => key)
  }

  /** Returns the tables as they are now, for `restore`. */
  copy(): StateCopy {
    const { lsn, horizon, readLsn, slotGapXid, stamp, lease } = this
    const tables = { rows: [...this.rows], backfillRuns: [...this.backfillRuns], dueAtMs: [...this.#dueAtMs] }
    const soughtSinceMs = [...this.#soughtSinceMs]
    return { lsn, horizon, readLsn, slotGapXid, stamp, lease, ...tables, soughtSinceMs }
  }
  restore({ rows, backfillRuns, dueAtMs, soughtSinceMs, ...values }: StateCopy): void {
    Object.assign(this, values)
    this.rows.clear()
    for (const [key, row] of rows) this.rows.set(key, row)
    this.backfillRuns.splice(0, this.backfillRuns.length, ...backfillRuns)
    this.#dueAtMs.clear()
    for (const [key, ms] of dueAtMs) this.#dueAtMs.set(key, ms)
    this.#soughtSinceMs.clear()
    for (const [key, ms] of soughtSinceMs) this.#soughtSinceMs.set(key, ms)
  }

  #store(row: StoredRow, nowMs: number): void {
    // A dead letter marked as kept is the earlier one, if it is still there.
    const deadLetter = row.deadLetter === 'kept' ? (this.rows.get(row.key)?.deadLetter ?? null) : row.deadLetter
    this.rows.set(row.key, { ...row, deadLetter })
    if (row.owed) this.#dueAtMs.set(row.key, nowMs + row.owed.delayMs)
    else this.#dueAtMs.delete(row.key)
    const { soughtForMs } = row.owed ?? {}
    if (soughtForMs === undefined) this.#soughtSinceMs.delete(row.key)
    else this.#soughtSinceMs.set(row.key, nowMs - soughtForMs)
  }

  #loadedOwed({ key, owed }: StoredRow, nowMs: number): StoredRow['owed'] {
    if (!owed) return null
    const sinceMs = this.#soughtSinceMs.get(key)
    return { ...owed, delayMs: 0, ...(sinceMs !== undefined && { soughtForMs: nowMs - sinceMs }) }
  }

  loadRecords(
    keys: readonly RowKey[],
    nowMs: number,
  ): { readonly rows: Map<RowKey, StoredRow>; readonly shared: Set<RowKey> } {
    const loaded = keys.flatMap((key) => this.rows.get(key) ?? [])
    return {
      rows: new Map(loaded.map((row) => [row.key, { ...row, owed: this.#loadedOwed(row, nowMs) }])),
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

  /** Requests a backfill of the whole table, which replaces earlier requests. */
  requestPass(reason: BackfillRunReason): void {
    for (const [at, backfill] of this.backfillRuns.entries())
      if (backfill.state !== 'done') this.backfillRuns[at] = { ...backfill, state: 'replaced' }
    this.#request(reason)
  }
  #isRequested(reason: BackfillRunReason): boolean {
    return this.backfillRuns.some(
      (backfill) =>
        backfill.state === 'requested' && (backfill.reason === reason || reloadReasons.includes(backfill.reason)),
    )
  }
  #request(reason: BackfillRunReason): void {
    const times = { startedAt: null, finishedAt: null }
    this.backfillRuns.push({
      id: this.backfillRuns.length + 1,
      state: 'requested',
      reason,
      codes: null,
      keys: null,
      position: { phase: 'table', after: null, pageSize: this.#pageSize },
      rowsRead: 0,
      rowsEstimated: 0,
      ...times,
    })
  }
  /** Forgets records of rows that are gone, if no snapshot brings them back and another row has the code, or none. */
  forgetRemoved({ beforeXid, after, limit }: EffectOf['forget removed rows']): RowKey | null {
    const gone = [...this.rows.values()].filter(
      (row) =>
        row.removed &&
        row.owed === null &&
        row.deadLetter === null &&
        row.formerCodes.length === 0 &&
        (row.xid === null || row.xid < beforeXid) &&
        (row.code === null || this.#isShared(row)) &&
        (after === null || row.key > after),
    )
    const keys = gone
      .map(({ key }) => key)
      .sort()
      .slice(0, limit)
    for (const key of keys) this.rows.delete(key)
    return keys.length === limit ? (keys.at(-1) ?? null) : null
  }
  /** Returns true if every open run waits until an empty table has rows again. */
  get isWaitingForRows(): boolean {
    const isOpen = ({ state }: BackfillRun) => state === 'requested' || state === 'running'
    return this.backfillRuns.filter(isOpen).every(({ reason }) => reloadReasons.includes(reason))
  }
  closeSlotGap(): void {
    this.slotGapXid = null
  }
  nextPass(postponed: readonly BackfillRunReason[] = []): BackfillRun | null {
    const isOpen = ({ state }: BackfillRun) => state === 'requested' || state === 'running'
    return this.backfillRuns.find((backfill) => isOpen(backfill) && !postponed.includes(backfill.reason)) ?? null
  }
  /** Returns the run to continue or to begin, and begins it. */
  beginPass(postponed: readonly BackfillRunReason[]): BackfillRun | null {
    const found = this.nextPass(postponed)
    if (!found) return null
    const begun: BackfillRun = { ...found, state: 'running', startedAt: found.startedAt ?? new Date(0) }
    this.backfillRuns[this.backfillRuns.indexOf(found)] = begun
    return found.state === 'running' ? found : begun
  }
}
