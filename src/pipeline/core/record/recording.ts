import type { BackfillLedger } from '../../../backfill/backfill-ledger.ts'
import type { Progress } from '../../../checkpoint/progress.ts'
import { backOffMs } from '../../../lifecycle/back-off.ts'
import type { ApiLimits } from '../../../model/api-limits.ts'
import type { StoredRow } from '../../../model/progress/stored-row.ts'
import type { DurableLsn, Lsn } from '../../../model/source/lsn.ts'
import { comparePositions, type Position } from '../../../model/source/position.ts'
import type { RowKey } from '../../../model/source/row.ts'
import type { Pending } from '../../../pending/pending.ts'
import type { CoreContext } from '../context.ts'
import type { Effect, Settlement } from '../effects.ts'
import type { Ticket } from '../events.ts'
import type { StoredPositions } from '../options.ts'
import type { Truncation, Truncations } from '../stream/truncations.ts'
import { Lease } from './lease.ts'
import { rowsLoadedAtOnce } from './loading.ts'

export interface RecordingOptions {
  readonly context: Pick<CoreContext, 'tickets' | 'random' | 'intervals'>
  readonly progress: Pick<Progress, 'settledLsn' | 'durableLsn' | 'hasUnstoredChanges' | 'stored'>
  readonly pending: Pick<Pending, 'unrecorded' | 'toRecord' | 'takenCodes' | 'recorded' | 'readLsn' | 'sentTo'>
  /** Progress of the backfill run, and requests for another one. */
  readonly backfill: {
    readonly ledger: Pick<BackfillLedger, 'toRecord' | 'recorded'>
    readonly truncations: Pick<Truncations, 'toRecord' | 'recorded'>
  }
  readonly stored: Pick<StoredPositions, 'horizon' | 'readLsn'>
  /** `maxInFlight` is also the number of sent requests that are not noted in the store: a restart adds it to those that the store knows. */
  readonly limits: Pick<ApiLimits, 'maxInFlight' | 'requestTimeoutMs'>
}

/**
 * Time that settled progress without a delivery may wait, milliseconds. Each write produces WAL in the customer's database, and a
 * keepalive's position that we store is followed by another. Without the pause the two would feed each other.
 */
const unhurriedMs = 1_000

/**
 * The only writer of what is settled, and of what is about to be sent. It stores first, and then acknowledges the position: never
 * in reverse order, and never one without the other. One write is in progress at a time; requests during a write share the next
 * one.
 */
export class Recording {
  readonly #options: RecordingOptions
  readonly #lease: Lease
  #horizon: Position | null
  #readLsn: Lsn | null
  #writing: {
    readonly ticket: Ticket
    readonly settlement: Settlement
    readonly requests: number
    readonly truncation: Truncation | null
  } | null = null
  /** Number of writes begun, and number of the newest that is stored, counted from 1. */
  #begun = 0
  #stored = 0
  #wantedWrite = 0
  #isHurried = false
  #isFlushing = false
  #unnoted = 0
  /** Time of the last write; null until this instance has become the writer: before that it must not write. */
  #lastWriteMs: number | null = null
  #failures = 0
  #notBeforeMs = Number.NEGATIVE_INFINITY
  #toAcknowledge: DurableLsn | null = null

  constructor(options: RecordingOptions) {
    this.#options = options
    this.#lease = new Lease(options.limits.requestTimeoutMs)
    this.#horizon = options.stored.horizon
    this.#readLsn = options.stored.readLsn
  }

  get isFailing(): boolean {
    return this.#failures > 0
  }
  /** Returns true if nothing remains to be stored, or nothing may be stored. */
  isIdle(nowMs: number): boolean {
    if (this.#writing !== null || this.#toAcknowledge !== null) return false
    return this.#lastWriteMs === null || (!this.#hasNews && (!this.#isFlushing || !this.#hasRest(nowMs)))
  }

  /** Called when this instance has become the writer. @param othersLeaseMs time for which it may not send yet. */
  activate(nowMs: number, othersLeaseMs: number): void {
    this.#lastWriteMs ??= nowMs
    this.#lease.othersUntil(nowMs + othersLeaseMs)
  }
  /** Rule 15: returns the time before which nothing may be sent; null if there is none. */
  waitsUntilMs(nowMs: number): number | null {
    return this.#lease.waitsUntilMs(nowMs)
  }
  /** Returns the time until which requests that have left may be applied; null if none is out. */
  outUntilMs(nowMs: number): number | null {
    return this.#lease.outUntilMs(nowMs)
  }

  /** Requests an early write: something was delivered or rejected. */
  hurry(): void {
    this.#isHurried = true
  }
  /** Stores everything now, and without delay from now on. */
  flush(): void {
    this.#isFlushing = true
  }

  /**
   * Rule 7: returns the write that must be stored before everything cut so far is sent; null if no write is needed. It notes what is
   * about to be sent, H, R, and the requests that a restart would not count, and begins the lease.
   */
  writeBeforeSending(nowMs: number): number | null {
    const isNoted = !this.#hasNews && !this.#mustRise && this.#unnoted < this.#options.limits.maxInFlight
    return isNoted && this.mayLeave(nowMs) ? null : this.beginLease()
  }
  /** Rule 15: returns the write that begins the lease. One in progress was composed before. */
  beginLease(): number {
    this.#wantedWrite = this.nextWrite
    return this.#wantedWrite
  }
  /** Number of the write that will contain what is settled now. */
  get nextWrite(): number {
    return this.#begun + 1
  }
  isStored(write: number): boolean {
    return write <= this.#stored
  }
  /** Rule 15: returns true if a request that leaves now is over before the lease ends. */
  mayLeave(nowMs: number): boolean {
    return this.#lease.covers(nowMs)
  }
  /** Counts a request that is sent and not noted in the store. */
  requestLeft(nowMs: number): void {
    this.#unnoted++
    this.#lease.requestLeft(nowMs)
  }
  /** @param isLost true if there was no answer: the request may still be applied. */
  requestOver(leftAtMs: number, isLost: boolean): void {
    this.#lease.requestOver(leftAtMs, isLost)
  }

  nextAtMs(nowMs: number): number | null {
    const waitsUntilMs = this.#lease.waitsUntilMs(nowMs)
    const writesAtMs = this.#writesAtMs(nowMs)
    return waitsUntilMs === null || writesAtMs === null
      ? (waitsUntilMs ?? writesAtMs)
      : Math.min(waitsUntilMs, writesAtMs)
  }
  #writesAtMs(nowMs: number): number | null {
    if (this.#writing) return null
    const atMs = this.#dueAtMs(nowMs)
    if (atMs === null) return null
    const next = Math.max(atMs, this.#notBeforeMs)
    return next > nowMs ? next : null
  }

  effects(nowMs: number, out: Effect[]): void {
    if (this.#toAcknowledge !== null) {
      out.push({ kind: 'acknowledge', lsn: this.#toAcknowledge })
      this.#toAcknowledge = null
    }
    if (this.#writing || nowMs < this.#notBeforeMs) return
    const dueAtMs = this.#dueAtMs(nowMs)
    if (dueAtMs === null || nowMs < dueAtMs) return
    const { progress, pending, context } = this.#options
    const { ledger, truncations } = this.#options.backfill
    const raisesHorizon = this.#mustRise
    const truncation = truncations.toRecord
    // Take all of it at one moment: a position must not cover rows that the write does not contain.
    const settlement: Settlement = {
      rows: pending.toRecord(),
      takenCodes: pending.takenCodes(),
      checkpointLsn: progress.settledLsn,
      // The store takes it as it is. Use the later one: this run may have sent only positions before those of an earlier run.
      horizon: raisesHorizon ? later(this.#horizon, pending.sentTo) : null,
      readLsn: raisesHorizon ? pending.readLsn : null,
      backfill: ledger.toRecord(),
      leaseMs: this.#lease.ask(nowMs, this.#wantedWrite > this.#begun),
      backfillRequest: truncation ? 'truncated' : null,
    }
    this.#begun++
    this.#isHurried = false
    const ticket = context.tickets.issue('record')
    this.#writing = { ticket, settlement, requests: this.#unnoted, truncation }
    out.push({ kind: 'record', ticket, settlement })
  }

  /** Everything of the write is stored. @param owed rows that it made owed. @returns its rows; none if the ticket is another's. */
  recorded(ticket: Ticket, owed: readonly RowKey[], nowMs: number): readonly StoredRow[] {
    if (this.#writing?.ticket !== ticket) return []
    const { progress, pending } = this.#options
    const { ledger, truncations } = this.#options.backfill
    const { settlement, requests, truncation } = this.#writing
    this.#writing = null
    this.#failures = 0
    this.#lastWriteMs = nowMs
    this.#lease.stored(nowMs)
    this.#stored = this.#begun
    this.#unnoted -= requests
    pending.recorded(settlement.rows, owed)
    if (settlement.backfill) ledger.recorded(settlement.backfill)
    if (truncation) truncations.recorded(truncation)
    this.#horizon = later(this.#horizon, settlement.horizon)
    if (settlement.readLsn !== null) this.#readLsn = settlement.readLsn
    this.#toAcknowledge = progress.stored(settlement.checkpointLsn)
    return settlement.rows
  }

  /** The result of the write is unknown: all of it is written again. */
  failed(ticket: Ticket, nowMs: number): boolean {
    if (this.#writing?.ticket !== ticket) return false
    this.#writing = null
    this.#lease.failed()
    this.#failures++
    this.#isHurried = true
    const { random } = this.#options.context
    this.#notBeforeMs = nowMs + 100 + backOffMs(this.#failures, random(), { baseMs: 200, maxMs: 10_000 })
    return true
  }

  get #hasNews(): boolean {
    const { pending } = this.#options
    const { ledger, truncations } = this.#options.backfill
    return pending.unrecorded > 0 || ledger.toRecord() !== null || truncations.toRecord !== null
  }

  /** Returns true if the last write of an instance that ends has something to store beside rows. */
  #hasRest(nowMs: number): boolean {
    return this.#isMoved || this.#lease.isReleasable(nowMs)
  }

  get #isMoved(): boolean {
    const { settledLsn, durableLsn } = this.#options.progress
    return settledLsn !== durableLsn
  }

  /** True if something was sent, or is about to be, past the stored H or R. */
  get #mustRise(): boolean {
    const { sentTo, readLsn } = this.#options.pending
    const risesH = sentTo !== null && (this.#horizon === null || comparePositions(sentTo, this.#horizon) > 0)
    return risesH || (readLsn !== null && (this.#readLsn === null || readLsn > this.#readLsn))
  }

  /** Time at which the next write is due; null if there is nothing to write. */
  #dueAtMs(nowMs: number): number | null {
    const { context, pending, progress } = this.#options
    if (this.#lastWriteMs === null) return null
    if (this.#wantedWrite > this.#begun) return Number.NEGATIVE_INFINITY
    if (this.#isFlushing && this.#hasRest(nowMs)) return Number.NEGATIVE_INFINITY
    if (!this.#hasNews && !this.#isMoved) return null
    const isUrgent = this.#isHurried || this.#isFlushing || pending.unrecorded >= rowsLoadedAtOnce
    if (isUrgent) return Number.NEGATIVE_INFINITY
    // A read that was sent may contain the changes: then there is no row to store, and they are settled all the same.
    const isIdle = !this.#hasNews && !progress.hasUnstoredChanges
    return this.#lastWriteMs + (isIdle ? context.intervals.idleWriteMs : unhurriedMs)
  }
}

function later(a: Position | null, b: Position | null): Position | null {
  if (a === null || b === null) return a ?? b
  return comparePositions(a, b) >= 0 ? a : b
}
