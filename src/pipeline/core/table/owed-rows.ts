import type { OwedReason } from '../../../model/progress/stored-row.ts'
import type { Lsn } from '../../../model/source/lsn.ts'
import type { RowKey } from '../../../model/source/row.ts'
import type { Pending } from '../../../pending/pending.ts'
import type { Effect } from '../effects.ts'
import type { Ticket } from '../events.ts'
import { Retried } from '../retried.ts'
import type { Tickets } from '../tickets.ts'
import { type ReadJob, type ReadSource, readAgainMs } from './table-reading.ts'

export interface OwedRowsOptions {
  readonly pending: Pick<Pending, 'isInMemory' | 'held'>
  readonly tickets: Tickets
  readonly random: () => number
  readonly reasons: readonly OwedReason[]
  /** Whether what is read may wait in memory. */
  readonly hasRoom: () => boolean
  /** How many rows may be read at a time. */
  readonly room: () => number
  /** Rows that the transaction which is still arriving owes are not read before its end. */
  readonly openCommitLsn: () => Lsn | null
  /** Whether a write of the recording is stored. */
  readonly isStored: (write: number) => boolean
}

const listedAtOnce = 1_000
/** How often the store is asked though nothing is known to be owed, milliseconds: another instance may have owed it. */
const lookEveryMs = 60_000

/** Rows that were settled by a durable note alone: listed from the store, and read from the table as there is room (MERGE rule 18). */
export class OwedRows implements ReadSource {
  readonly #options: OwedRowsOptions
  readonly #task: Retried
  /** Listed, to be read. */
  #listed: RowKey[] = []
  /** Being read: the store owes them still. */
  #reading: readonly RowKey[] = []
  /** Read, and owed by the store until what came of it is stored. */
  readonly #taken = new Set<RowKey>()
  #lookAtMs = Number.NEGATIVE_INFINITY
  /** Rows that are owed once a write is stored, and then due: the store does not list them before. */
  #notes: { readonly write: number; readonly dueAtMs: number }[] = []
  /** The transaction that was still arriving when rows were owed: they are listed after its end. */
  #leftOutLsn: Lsn | null = null
  #limit = 0
  #isActive = false
  #readAgainAtMs = Number.NEGATIVE_INFINITY

  constructor(options: OwedRowsOptions) {
    this.#options = options
    this.#task = new Retried(options.random)
  }

  activate(isActive: boolean): void {
    this.#isActive = isActive
  }

  /** Rows are owed: the store is asked once the write that says so is stored, and they are due. */
  owed(dueAtMs: number, write: number): void {
    this.#leftOutLsn = this.#options.openCommitLsn() ?? this.#leftOutLsn
    const noted = this.#notes.find((note) => note.write === write)
    if (noted && noted.dueAtMs <= dueAtMs) return
    this.#notes = [...this.#notes.filter((note) => note !== noted), { write, dueAtMs }]
  }

  /** Nothing is listed, and the store is not to be asked now. */
  isIdle(nowMs: number): boolean {
    if (this.#listed.length + this.#reading.length > 0 || this.#task.isOut) return false
    return this.#notes.every(({ write }) => this.#options.isStored(write)) && this.#dueAtMs > nowMs
  }

  /** When the store is to be asked, by what it has stored. */
  get #dueAtMs(): number {
    const { openCommitLsn, isStored } = this.#options
    if (this.#leftOutLsn !== null && this.#leftOutLsn !== openCommitLsn()) return Number.NEGATIVE_INFINITY
    let atMs = this.#lookAtMs
    for (const { write, dueAtMs } of this.#notes) if (isStored(write)) atMs = Math.min(atMs, dueAtMs)
    return atMs
  }

  nextAtMs(nowMs: number): number | null {
    const { pending, hasRoom } = this.#options
    if (!this.#isActive || pending.held || this.#task.isOut) return null
    const retryAtMs = this.#task.nextAtMs(nowMs)
    if (retryAtMs !== null) return retryAtMs
    if (!hasRoom()) return null
    const atMs = this.#listed.length > 0 ? this.#readAgainAtMs : this.#dueAtMs
    return atMs > nowMs ? atMs : null
  }

  effects(nowMs: number, out: Effect[]): void {
    const { pending, hasRoom, tickets, reasons, openCommitLsn, isStored } = this.#options
    if (!this.#isActive || pending.held || !this.#task.mayBegin(nowMs)) return
    if (this.#listed.length > 0 || nowMs < this.#dueAtMs || !hasRoom()) return
    for (const key of this.#taken) if (!pending.isInMemory(key)) this.#taken.delete(key)
    // What is on its way is owed by the store still: room for others beside it.
    this.#limit = this.#taken.size + this.#reading.length + listedAtOnce
    // The answer tells of all that is stored by now, of what is not due yet too.
    this.#notes = this.#notes.filter(({ write }) => !isStored(write))
    const beforeLsn = openCommitLsn()
    if (this.#leftOutLsn !== beforeLsn) this.#leftOutLsn = null
    const ticket = this.#task.begin(tickets.issue('list owed rows'))
    out.push({ kind: 'list owed rows', ticket, reasons, beforeLsn, limit: this.#limit })
  }

  listed(ticket: Ticket, keys: readonly RowKey[], nextInMs: number | null, nowMs: number): boolean {
    if (!this.#task.ends(ticket)) return false
    this.#listed = keys.filter((key) => !this.#taken.has(key) && !this.#reading.includes(key))
    const isAll = keys.length < this.#limit
    // All that is due is on its way, or there is more to list after these.
    const nextMs = isAll ? Math.min(nextInMs ?? lookEveryMs, lookEveryMs) : this.#listed.length > 0 ? 0 : readAgainMs
    this.#lookAtMs = nowMs + Math.max(nextMs, keys.length > 0 && this.#listed.length === 0 ? readAgainMs : 0)
    return true
  }

  failed(ticket: Ticket, nowMs: number): boolean {
    return this.#task.fails(ticket, nowMs)
  }

  nextRead(nowMs: number, limit: number): ReadJob | null {
    const { hasRoom } = this.#options
    if (!this.#isActive || this.#listed.length === 0 || nowMs < this.#readAgainAtMs || !hasRoom()) return null
    const keys = this.#listed.splice(0, Math.max(1, Math.min(limit, this.#options.room())))
    this.#reading = keys
    return {
      rows: { kind: 'keys', keys },
      lane: 'backfill',
      distrusts: false,
      keysOf: () => keys,
      claim: () => null,
      merged: (stale, mergedAtMs) => {
        this.#reading = []
        for (const key of keys) this.#taken.add(key)
        if (stale === 0) return
        // Changes that the read could not see yet: their rows are listed again.
        this.#readAgainAtMs = mergedAtMs + readAgainMs
        this.owed(mergedAtMs + readAgainMs, 0)
      },
    }
  }
}
