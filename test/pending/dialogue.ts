import { BackfillLedger } from '../../src/backfill/backfill-ledger.ts'
import { Progress } from '../../src/checkpoint/progress.ts'
import type { CodeEnd } from '../../src/model/patient/code-end.ts'
import type { Patient, PatientCode } from '../../src/model/patient/patient.ts'
import { type Owed, type StoredRow, toConfirm } from '../../src/model/progress/stored-row.ts'
import type { Position } from '../../src/model/source/position.ts'
import type { RowKey } from '../../src/model/source/row.ts'
import { type Snapshot, seesAll, xid } from '../../src/model/source/visibility.ts'
import type { LookUp } from '../../src/pending/entry/entry.ts'
import { codesNamedBy, codesOwnedBy } from '../../src/pending/entry/record-codes.ts'
import type { Content, Delivery, ReadRow } from '../../src/pending/entry/version.ts'
import { Pending } from '../../src/pending/pending.ts'
import type { Taken } from '../../src/pending/taken-codes.ts'
import { at, delivered, fingerprint, key, patient, position } from './rows.ts'

/** Settings of a dialogue. */
export interface Setting {
  readonly onDelete?: 'ignore' | 'unsubscribe'
  readonly horizon?: Position
  /** The read position R as it is stored. */
  readonly readLsn?: number
  readonly state?: readonly StoredRow[]
  readonly checkpoint?: number
  /** Reads back versions that a lost request may overwrite, if true. */
  readonly readsBack?: boolean
  /** Each acceptance follows an earlier request of the same code, if true. */
  readonly isRepeated?: boolean
  /** No lost request can be applied any more, if true. */
  readonly isOver?: boolean
  /** False: a request of an earlier process may still be applied. */
  readonly isEarlierRunOver?: boolean
  /** Codes of which a request was lost that may still be applied. */
  readonly lost?: readonly string[]
  /** Returns true if a code may be sent again. */
  readonly mayRepeat?: (of: PatientCode) => boolean
  readonly maxRows?: number
  readonly maxBytes?: number
  readonly maxUnsubscriptions?: number
  readonly maxMarks?: number
}

/** Row, and the content that the stream brings. */
type Told = readonly [name: string, content: Content]

/** Checks every invariant after each call. */
function checked(pending: Pending): Pending {
  return new Proxy(pending, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]) => {
        const result: unknown = Reflect.apply(value, target, args)
        target.assert()
        return result
      }
    },
  })
}

/** Creates a pending set with its ledger, a store to load rows from, and the steps of a test. */
export function dialogue(setting: Setting = {}) {
  const { onDelete = 'ignore', horizon, state = [], checkpoint = 100, readsBack = false } = setting
  const progress = new Progress(at(checkpoint))
  const settled: string[] = []
  /** Number of times that owed rows were to be listed. */
  const listed = { count: 0 }
  const ledger = new BackfillLedger()
  const pending = checked(
    new Pending({
      ledgers: { stream: progress, backfill: ledger },
      earlier: { horizon: horizon ?? null, readLsn: setting.readLsn === undefined ? null : at(setting.readLsn) },
      policy: { onDelete, fingerprint, confirmDelayMs: 60_000 },
      bounds: {
        rows: setting.maxRows ?? 1_000,
        bytes: setting.maxBytes ?? 1_000_000,
        unsubscriptions: setting.maxUnsubscriptions ?? 1_000,
        marks: setting.maxMarks ?? 1_000,
      },
      confirming: {
        accepted: (_, inDoubt, hasRoom) => {
          if (!inDoubt && !setting.isRepeated) return 'certain'
          if (readsBack && hasRoom) return 'read back'
          return setting.isRepeated ? 'repeated, no room' : 'no room'
        },
        lost: () => undefined,
        mayRepeat: setting.mayRepeat ?? (() => true),
        cut: () => undefined,
        isCertain: () => false,
        isOver: () => setting.isOver ?? false,
        intentFound: () => setting.isEarlierRunOver === false,
        followsLost: ({ code: of }) => setting.lost?.includes(of) ?? false,
        isLost: (of) => setting.lost?.includes(of) ?? false,
      },
      listener: {
        onSettled: (outcome) => settled.push(outcome),
        onEndRefused: () => settled.push('end refused'),
        onOwed: () => void listed.count++,
      },
    }),
  )
  const stored = new Map(state.map((row) => [row.key, row]))
  const load = (asked: readonly LookUp[]) => {
    for (const row of asked) pending.lookedUp(row, stored.get(row.key) ?? null)
  }
  const stream = (place: Position, [name, content]: Told, bytes = 10) => {
    const change = { position: place, xid: xid(place.commitLsn), committedAtMs: 0, bytes }
    pending.streamed({ key: key(name), content, ...change })
  }
  const transaction = (commit: number, changes: readonly (readonly [Position, Told])[]) => {
    progress.begin(at(commit))
    pending.begun(at(commit))
    for (const [place, told] of changes) stream(place, told)
    progress.commit(at(commit + 1))
    pending.committed()
    pending.passed(progress.receivedLsn)
    load(pending.toLookUp(1_000))
  }
  const merge = (name: string, row: Omit<ReadRow, 'key' | 'readAtMs' | 'bytes' | 'backfillDebt'>) => {
    load(pending.expect([key(name)]))
    const isFresh = pending.read({ key: key(name), readAtMs: 0, bytes: 10, backfillDebt: null, ...row })
    pending.endRead()
    return isFresh
  }
  return {
    progress,
    pending,
    ledger,
    settled,
    listed,
    stored,
    /** Streams a transaction. Its id is the position of its commit record, which is one byte long. */
    commits: (commit: number, ...changes: readonly Told[]) =>
      transaction(
        commit,
        changes.map((change, index) => [position(commit, index + 1), change]),
      ),
    /** Streams a transaction that changes the key of a row: one change removes the old row and brings the new one. */
    changesKey: (commit: number, ...ends: readonly [before: Told, after: Told]) =>
      transaction(
        commit,
        ends.map((end) => [position(commit), end]),
      ),
    /** Begins a transaction. @returns functions that stream a change and load its row, and that commit. */
    begins(commit: number) {
      let ordinal = 0
      progress.begin(at(commit))
      pending.begun(at(commit))
      return {
        change(name: string, content: Content, bytes?: number) {
          stream(position(commit, ++ordinal), [name, content], bytes)
          load(pending.toLookUp(1_000))
        },
        commit() {
          progress.commit(at(commit + 1))
          pending.committed()
          pending.passed(progress.receivedLsn)
        },
      }
    },
    /** Streams a single change without loading its row. */
    streams(commit: number, name: string, content: Content, bytes?: number) {
      progress.begin(at(commit))
      stream(position(commit), [name, content], bytes)
      progress.commit(at(commit + 1))
    },
    load: () => load(pending.toLookUp(1_000)),
    /** Merges a table read. @returns true if the read was fresh. */
    reads: (name: string, content: Content, snapshot: Snapshot, endLsn = 10_000, lane: 'live' | 'backfill' = 'live') =>
      merge(name, { content, snapshot, endLsn: at(endLsn), lane }),
    /** Merges a read of a standby whose position the stream has passed. */
    readsStandby: (name: string, content: Content, containsLsn: number, endLsn: number) =>
      merge(name, {
        content,
        snapshot: seesAll,
        endLsn: at(endLsn),
        containsLsn: at(containsLsn),
        lane: 'backfill',
      }),
    take: (limit = 100): Delivery[] => pending.take(limit),
    accept(deliveries: readonly Delivery[]) {
      for (const delivery of deliveries) pending.accepted(delivery)
    },
    /** Writes the settled rows to the store. @returns these rows. */
    record() {
      const rows = pending.toRecord()
      const owed = oweOthers(stored, rows, pending.takenCodes())
      for (const row of rows) stored.set(row.key, { ...row, owed: row.owed && { ...row.owed, delayMs: 0 } })
      pending.recorded(rows, owed)
      return rows
    },
    /** Resolves each code to unsubscribe with the patient that `GET` returns. */
    resolve(found: (of: string) => Patient | null) {
      for (const ending of pending.toResolve(100)) {
        const holds = (row: StoredRow) =>
          row.key !== ending.key && codesOwnedBy(row).includes(ending.code) && pending.mayOwnCode(ending.code, row.key)
        const isCodeOwnedByOther =
          pending.isCodeOwnedByOther(ending.code, ending.key) || [...stored.values()].some(holds)
        const record = found(ending.code)
        const ended: CodeEnd = record ? { kind: 'send', patient: record } : { kind: 'ended' }
        pending.resolved(ending.key, { ...(isCodeOwnedByOther ? { kind: 'left' } : ended), code: ending.code })
      }
    },
  }
}

/** Makes the rows owed that have a code which another row gives up (rule 12a), as the store does. @returns their keys. */
export function oweOthers(
  stored: Map<RowKey, StoredRow>,
  written: readonly StoredRow[],
  { codes, inDoubt, accepted }: Taken,
): RowKey[] {
  const others = [...stored.values()].filter(
    (row) =>
      written.every(({ key }) => key !== row.key) &&
      codesNamedBy({ ...row, owed: null }).some((of) => codes.includes(of)),
  )
  for (const row of others) {
    const reason = row.fingerprint === null ? 'confirm' : 'content'
    const owed: Owed = row.owed ?? { reason, nextCode: null, delayMs: 0 }
    const unacceptedCodes = row.unacceptedCodes.filter((of) => !accepted.includes(of))
    const isInDoubt = codesNamedBy({ ...row, owed: null }).some((of) => inDoubt.includes(of))
    stored.set(row.key, { ...row, fingerprint: null, unacceptedCodes, owed: isInDoubt ? toConfirm(owed) : owed })
  }
  return others.map(({ key }) => key)
}

/** Patient of a code as the API returns it. */
export const found = (of: string) => patient(of, 'FromApi')

/** Creates a dialogue about rows that have these codes, where the code of a deleted row is unsubscribed. */
export const unsubscribing = (...codes: readonly (readonly [name: string, of: string])[]) =>
  dialogue({ onDelete: 'unsubscribe', state: codes.map(([name, of]) => delivered(name, patient(of))) })

/** Abbreviates deliveries: purpose, code, first name, missing plan. */
export const short = (deliveries: readonly Delivery[]): string[] =>
  deliveries.map(
    ({ purpose, patient: sent }) => `${purpose} ${sent.code} ${sent.first_name}${sent.plan ? '' : ' no plan'}`,
  )
