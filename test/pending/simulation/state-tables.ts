import type { Settlement } from '../../../src/checkpoint/record-statement.ts'
import type { Pass, PassReason } from '../../../src/model/pass.ts'
import type { PatientCode } from '../../../src/model/patient.ts'
import type { Position } from '../../../src/model/position.ts'
import type { RowKey } from '../../../src/model/row.ts'
import type { StoredRow } from '../../../src/model/stored-row.ts'
import type { Xid } from '../../../src/model/visibility.ts'

/** What outlives a crash, as `src/checkpoint` stores it. */
export class StateTables {
  readonly rows = new Map<RowKey, StoredRow>()
  readonly passes: Pass[] = []
  lsn: number
  horizon: Position | null = null
  slotGapXid: Xid | null = null
  run = 0

  constructor(lsn: number) {
    this.lsn = lsn
  }

  /** One write of all of it. A run that is over changes nothing. */
  record(run: number, { rows, checkpointLsn, horizon, pass }: Omit<Settlement, 'recentRequests'>): boolean {
    if (run !== this.run) return false
    for (const row of rows) this.rows.set(row.key, row)
    for (const taken of rows) {
      for (const other of this.rows.values()) {
        const isTaken = !taken.removed && other.code === taken.code && other.key !== taken.key
        if (isTaken && !rows.includes(other)) this.rows.set(other.key, { ...other, fingerprint: null })
      }
    }
    this.lsn = Number(checkpointLsn)
    this.horizon = horizon ?? this.horizon
    const at = this.passes.findIndex(({ id, state }) => id === pass?.id && state === 'running')
    const running = this.passes[at]
    if (!pass || !running) return true
    const { position, rowsRead, done } = pass
    this.passes[at] = { ...running, position, rowsRead, state: done ? 'done' : 'running' }
    return true
  }

  lookUp(keys: readonly RowKey[]): Map<RowKey, StoredRow> {
    return new Map(keys.flatMap((key) => this.#entry(key)))
  }
  #entry(key: RowKey): [RowKey, StoredRow][] {
    const row = this.rows.get(key)
    if (!row) return []
    const isShared = row.code !== null && this.holdersOf(row.code, key).length > 0
    return [[key, isShared ? { ...row, fingerprint: null } : row]]
  }

  holdersOf(code: PatientCode, exceptKey: RowKey | null): RowKey[] {
    return [...this.rows.values()]
      .filter((row) => row.code === code && row.key !== exceptKey && !row.removed)
      .map(({ key }) => key)
  }

  /** Rows that a pass's second half looks for. */
  rowsAfter(after: RowKey | null, limit: number, codes: readonly PatientCode[] | null): RowKey[] {
    return [...this.rows.values()]
      .filter(
        (row) => (!row.removed || row.owed !== null || row.deadLetter !== null) && (after === null || row.key > after),
      )
      .filter((row) => codes === null || (row.code !== null && codes.includes(row.code)))
      .map(({ key }) => key)
      .sort()
      .slice(0, limit)
  }

  /** A pass over the whole table; those before are contained in it. @param pageSize of its reads; the first would bring all there is. */
  requestPass(reason: PassReason, pageSize: number): void {
    for (const [at, pass] of this.passes.entries())
      if (pass.state !== 'done') this.passes[at] = { ...pass, state: 'replaced' }
    const times = { startedAt: null, finishedAt: null }
    this.passes.push({
      id: this.passes.length + 1,
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
  nextPass(): Pass | null {
    return this.passes.find(({ state }) => state === 'requested' || state === 'running') ?? null
  }
  beginPass(id: number): void {
    const at = this.passes.findIndex((pass) => pass.id === id)
    const found = this.passes[at]
    if (found) this.passes[at] = { ...found, state: 'running', startedAt: new Date(0) }
  }
}
