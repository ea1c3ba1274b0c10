import { PassLedger } from '../../src/backfill/pass-ledger.ts'
import { Progress } from '../../src/checkpoint/progress.ts'
import type { CodeEnd } from '../../src/model/code-end.ts'
import { type Lsn, lsn } from '../../src/model/lsn.ts'
import { type Patient, type PatientCode, patientCode } from '../../src/model/patient.ts'
import type { Position } from '../../src/model/position.ts'
import { storedRowKey } from '../../src/model/row.ts'
import type { StoredRow } from '../../src/model/stored-row.ts'
import { type Snapshot, seesAll, xid } from '../../src/model/visibility.ts'
import { Pending } from '../../src/pending/pending.ts'
import type { Content, Parcel } from '../../src/pending/version.ts'

export const at = (bytes: number): Lsn => lsn(BigInt(bytes))
export const position = (bytes: number, ordinal = 1): Position => ({ commitLsn: at(bytes), ordinal })
export const key = (name: string) => storedRowKey(`["${name}"]`)
export const code = patientCode

export function patient(of: string, name = 'Jane'): Patient {
  return { code: code(of), first_name: name, gender: 'female', birth_date: '1980-01-01', plan: 'premium' }
}
export const upsert = (of: string, name?: string): Content => ({ kind: 'patient', patient: patient(of, name) })
export const removed = (of: string | null = null): Content => ({
  kind: 'removed',
  code: of === null ? null : code(of),
  patient: null,
})

/** Sees the transactions whose ids are below. */
export const seesBelow = (id: number): Snapshot => ({
  xmin: xid(BigInt(id)),
  xmax: xid(BigInt(id)),
  inProgress: new Set(),
})

export const fingerprint = (of: Patient) => JSON.stringify(of)

/** What the state holds of a row that was delivered. */
export function delivered(name: string, of: Patient, changes: Partial<StoredRow> = {}): StoredRow {
  return {
    key: key(name),
    code: of.code,
    fingerprint: fingerprint(of),
    removed: false,
    position: position(1),
    xid: xid(1n),
    deadLetter: null,
    formerCodes: [],
    owed: null,
    ...changes,
  }
}

export interface Setting {
  readonly onDelete?: 'ignore' | 'unsubscribe'
  readonly horizon?: Position
  readonly state?: readonly StoredRow[]
  readonly checkpoint?: number
  /** Whether what may have been overtaken is to be read back. */
  readonly readsBack?: boolean
  /** Whether a code may be sent again already. */
  readonly mayRepeat?: (of: PatientCode) => boolean
}

/** What the stream tells of a row. */
type Told = readonly [name: string, content: Content]

/** A pending set with its ledger, a state to look rows up in, and the steps of a dialogue. */
export function dialogue(setting: Setting = {}) {
  const {
    onDelete = 'ignore',
    horizon,
    state = [],
    checkpoint = 100,
    readsBack = false,
    mayRepeat = () => true,
  } = setting
  const progress = new Progress(at(checkpoint))
  const settled: string[] = []
  const ledger = new PassLedger()
  const pending = new Pending({
    debts: progress,
    claims: ledger,
    horizon: horizon ?? null,
    onDelete,
    fingerprint,
    confirming: { accepted: (_, inDoubt) => readsBack && inDoubt, lost: () => undefined, mayRepeat },
    onSettled: (outcome) => settled.push(outcome),
    maxRows: 1_000,
    maxBytes: 1_000_000,
  })
  const stored = new Map(state.map((row) => [row.key, row]))
  const lookUp = () => {
    for (const wanted of pending.toLookUp(1_000)) pending.lookedUp(wanted, stored.get(wanted.key) ?? null)
  }
  const transaction = (commit: number, changes: readonly (readonly [Position, Told])[]) => {
    progress.begin(at(commit))
    for (const [place, [name, content]] of changes)
      pending.streamed({
        ...{ key: key(name), position: place, xid: xid(BigInt(commit)), committedAtMs: 0 },
        ...{ content, bytes: 10 },
      })
    progress.commit(at(commit + 1))
    pending.passed(progress.receivedLsn)
    lookUp()
  }
  return {
    progress,
    pending,
    ledger,
    settled,
    stored,
    /** A transaction whose id is its commit's position; its commit record is one byte long. */
    commits: (commit: number, ...changes: readonly Told[]) =>
      transaction(
        commit,
        changes.map((change, index) => [position(commit, index + 1), change]),
      ),
    /** … in which a row's key is changed: one change, which ends the old row and brings the new one. */
    changesKey: (commit: number, ...ends: readonly [before: Told, after: Told]) =>
      transaction(
        commit,
        ends.map((end) => [position(commit), end]),
      ),
    /** A table read. */
    reads(name: string, content: Content, snapshot: Snapshot, endLsn = 10_000, lane: 'live' | 'backfill' = 'live') {
      for (const wanted of pending.expect([key(name)])) pending.lookedUp(wanted, stored.get(wanted.key) ?? null)
      const read = { snapshot, endLsn: at(endLsn), readAtMs: 0, lane, bytes: 10, claim: null }
      const fresh = pending.read({ key: key(name), content, ...read })
      pending.endRead()
      return fresh
    },
    /** A read of a standby, which the stream has passed. */
    readsStandby(name: string, content: Content, containsLsn: number, endLsn: number) {
      for (const wanted of pending.expect([key(name)])) pending.lookedUp(wanted, stored.get(wanted.key) ?? null)
      const read = { snapshot: seesAll, readAtMs: 0, lane: 'backfill' as const, bytes: 10, claim: null }
      const ends = { endLsn: at(endLsn), containsLsn: at(containsLsn) }
      const fresh = pending.read({ key: key(name), content, ...read, ...ends })
      pending.endRead()
      return fresh
    },
    take: (limit = 100): Parcel[] => pending.take(limit),
    accept(parcels: readonly Parcel[]) {
      for (const parcel of parcels) pending.accepted(parcel)
    },
    /** What the state says once it is written. */
    record() {
      const rows = pending.toRecord()
      for (const row of rows) stored.set(row.key, row)
      pending.recorded(rows)
      return rows
    },
    /** The record of each code that is to end, as `GET` gives it. */
    resolve(found: (of: string) => Patient | null) {
      for (const ending of pending.toResolve(100)) {
        const holds = (row: StoredRow) =>
          row.key !== ending.key && row.code === ending.code && !row.removed && pending.mayHold(ending.code, row.key)
        const claimed = pending.isClaimed(ending.code, ending.key) || [...stored.values()].some(holds)
        const record = found(ending.code)
        const ended: CodeEnd = record ? { kind: 'send', patient: record } : { kind: 'ended' }
        pending.resolved(ending.key, { ...(claimed ? { kind: 'left' } : ended), code: ending.code })
      }
    },
  }
}

/** The record of a code as the API gives it. */
export const found = (of: string) => patient(of, 'FromApi')

/** A dialogue about rows that have these codes, where the code of a deleted row is ended. */
export const unsubscribing = (...codes: readonly (readonly [name: string, of: string])[]) =>
  dialogue({ onDelete: 'unsubscribe', state: codes.map(([name, of]) => delivered(name, patient(of))) })

/** Parcels in short: purpose, code, first name. */
export const short = (parcels: readonly Parcel[]): string[] =>
  parcels.map(
    ({ purpose, patient: sent }) => `${purpose} ${sent.code} ${sent.first_name}${sent.plan ? '' : ' no plan'}`,
  )
