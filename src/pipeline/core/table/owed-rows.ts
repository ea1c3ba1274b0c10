import type { OwedReason } from '../../../model/progress/stored-row.ts'
import type { Lsn } from '../../../model/source/lsn.ts'
import type { RowKey } from '../../../model/source/row.ts'
import type { Pending } from '../../../pending/pending.ts'
import type { CoreContext } from '../context.ts'
import type { Effect } from '../effects.ts'
import type { Ticket } from '../events.ts'
import type { Recording } from '../record/recording.ts'
import { Retried } from '../retried.ts'
import type { Receiving } from '../stream/receiving.ts'
import { type ReadJob, type ReadSource, readAgainMs } from './table-reading.ts'

/** Room for owed rows in memory. */
export interface OwedRoom {
  /** True while rows that are read may wait in memory. */
  readonly isFree: boolean
  /** Number of rows that may be read at a time. */
  readonly rows: number
}

export interface OwedRowsOptions {
  readonly context: Pick<CoreContext, 'tickets' | 'random'>
  readonly pending: Pick<Pending, 'isInMemory' | 'isSendingHeld'>
  readonly reasons: readonly OwedReason[]
  readonly room: OwedRoom
  /** Rows that the transaction that is still arriving owes are not read before its end. */
  readonly receiving: Pick<Receiving, 'openCommitLsn'>
  readonly recording: Pick<Recording, 'isStored'>
}

const listedAtOnce = 1_000
/** Interval at which the store is asked even if nothing is known to be owed, milliseconds: another instance may have owed rows. */
const lookEveryMs = 60_000

/** Rows that only a durable note settled. Lists them from the store, and reads them from the table as there is room (rule 18). */
export class OwedRows implements ReadSource {
  readonly #options: OwedRowsOptions
  readonly #task: Retried
  /** Keys that are listed and still to be read. */
  #listed: RowKey[] = []
  /** Keys that are being read. The store still owes them. */
  #reading: readonly RowKey[] = []
  /** Keys that were read. The store owes them until the result is stored. */
  readonly #taken = new Set<RowKey>()
  #lookAtMs = Number.NEGATIVE_INFINITY
  /** Rows owed after a write is stored and after their due time. The store does not list them before. */
  #notes: { readonly write: number; readonly dueAtMs: number }[] = []
  /** Transaction that was still arriving when rows were owed. They are listed after its end. */
  #leftOutLsn: Lsn | null = null
  #limit = 0
  #isActive = false
  #readAgainAtMs = Number.NEGATIVE_INFINITY

  constructor(options: OwedRowsOptions) {
    this.#options = options
    this.#task = new Retried(options.context.random)
  }

  activate(isActive: boolean): void {
    this.#isActive = isActive
  }

  /** Called when rows are owed: the store is asked once the write that says so is stored and the rows are due. */
  owed(dueAtMs: number, write: number): void {
    this.#leftOutLsn = this.#options.receiving.openCommitLsn ?? this.#leftOutLsn
    const noted = this.#notes.find((note) => note.write === write)
    if (noted && noted.dueAtMs <= dueAtMs) return
    this.#notes = [...this.#notes.filter((note) => note !== noted), { write, dueAtMs }]
  }

  /** Returns true if nothing is listed, and the store is not to be asked now. */
  isIdle(nowMs: number): boolean {
    if (this.#listed.length + this.#reading.length > 0 || this.#task.isOut) return false
    return this.#notes.every(({ write }) => this.#options.recording.isStored(write)) && this.#dueAtMs > nowMs
  }

  /** Time at which the store is to be asked, as far as writes are stored. */
  get #dueAtMs(): number {
    const { receiving, recording } = this.#options
    if (this.#leftOutLsn !== null && this.#leftOutLsn !== receiving.openCommitLsn) return Number.NEGATIVE_INFINITY
    let atMs = this.#lookAtMs
    for (const { write, dueAtMs } of this.#notes) if (recording.isStored(write)) atMs = Math.min(atMs, dueAtMs)
    return atMs
  }

  nextAtMs(nowMs: number): number | null {
    const { pending, room } = this.#options
    if (!this.#isActive || pending.isSendingHeld || this.#task.isOut) return null
    const retryAtMs = this.#task.nextAtMs(nowMs)
    if (retryAtMs !== null) return retryAtMs
    if (!room.isFree) return null
    const atMs = this.#listed.length > 0 ? this.#readAgainAtMs : this.#dueAtMs
    return atMs > nowMs ? atMs : null
  }

  effects(nowMs: number, out: Effect[]): void {
    const { context, pending, room, reasons, receiving, recording } = this.#options
    if (!this.#isActive || pending.isSendingHeld || !this.#task.mayBegin(nowMs)) return
    if (this.#listed.length > 0 || nowMs < this.#dueAtMs || !room.isFree) return
    for (const key of this.#taken) if (!pending.isInMemory(key)) this.#taken.delete(key)
    // The store still owes the rows that are in progress: leave room for others in addition to them.
    this.#limit = this.#taken.size + this.#reading.length + listedAtOnce
    // The answer covers everything stored by now, including rows that are not due yet.
    this.#notes = this.#notes.filter(({ write }) => !recording.isStored(write))
    const beforeLsn = receiving.openCommitLsn
    if (this.#leftOutLsn !== beforeLsn) this.#leftOutLsn = null
    const ticket = this.#task.begin(context.tickets.issue('list owed rows'))
    out.push({ kind: 'list owed rows', ticket, reasons, beforeLsn, limit: this.#limit })
  }

  listed(ticket: Ticket, keys: readonly RowKey[], nextInMs: number | null, nowMs: number): boolean {
    if (!this.#task.ends(ticket)) return false
    this.#listed = keys.filter((key) => !this.#taken.has(key) && !this.#reading.includes(key))
    const isAll = keys.length < this.#limit
    // If nothing is left to list, wait until the next row is due; otherwise list again after these rows.
    const nextMs = isAll ? Math.min(nextInMs ?? lookEveryMs, lookEveryMs) : this.#listed.length > 0 ? 0 : readAgainMs
    this.#lookAtMs = nowMs + Math.max(nextMs, keys.length > 0 && this.#listed.length === 0 ? readAgainMs : 0)
    return true
  }

  failed(ticket: Ticket, nowMs: number): boolean {
    return this.#task.fails(ticket, nowMs)
  }

  nextRead(nowMs: number, limit: number): ReadJob | null {
    const { room } = this.#options
    if (!this.#isActive || this.#listed.length === 0 || nowMs < this.#readAgainAtMs || !room.isFree) return null
    const keys = this.#listed.splice(0, Math.max(1, Math.min(limit, room.rows)))
    this.#reading = keys
    return {
      rows: { kind: 'keys', keys },
      lane: 'backfill',
      distrusts: false,
      keysOf: () => keys,
      openBackfillDebt: () => null,
      merged: (stale, mergedAtMs) => {
        this.#reading = []
        for (const key of keys) this.#taken.add(key)
        if (stale === 0) return
        // The read did not see the changes of some rows yet: list these rows again.
        this.#readAgainAtMs = mergedAtMs + readAgainMs
        this.owed(mergedAtMs + readAgainMs, 0)
      },
    }
  }
}
