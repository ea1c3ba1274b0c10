import type { PatientCode } from '../model/patient/patient.ts'
import type { Claims } from '../model/progress/debt.ts'
import type { Lane } from '../model/progress/lane.ts'
import type { DeadLetter, StoredRow } from '../model/progress/stored-row.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { Position } from '../model/source/position.ts'
import type { RowKey } from '../model/source/row.ts'
import { Answers, type AnswersOptions } from './answers.ts'
import { CodeEnds, type EndingCode } from './code-ends.ts'
import { Entries } from './entries.ts'
import type { LookUp } from './entry/entry.ts'
import { type MergeContext, mergeStreamed } from './entry/merge.ts'
import type { Delivery, ReadRow, Removal, StreamedChange } from './entry/version.ts'
import { Owing } from './owing.ts'
import { Batches } from './queue/batches.ts'
import { Placement, type PlacementOptions } from './queue/placement.ts'
import { Queues } from './queue/queues.ts'
import { Room } from './queue/room.ts'
import { Loads } from './read/loads.ts'
import { Reads } from './read/reads.ts'

export interface PendingOptions extends PlacementOptions, MergeContext, Omit<AnswersOptions, 'maxReadBackBytes'> {
  readonly claims: Claims
  /** MERGE's R as it is stored. */
  readonly readLsn: Lsn | null
  /** Rows in memory, waiting, in flight or not yet stored, past which there is no room. Codes to be ended have a bound of their own. */
  readonly maxRows: number
  readonly maxBytes: number
  readonly maxUnsubscriptions: number
  readonly maxMarks: number
}

/**
 * What waits, one entry a row, newest wins. It merges the stream with table reads (`merge.ts`), decides what is sent
 * (`next-step.ts`), and settles debts. Events in, decisions out, no I/O.
 */
export class Pending {
  readonly #options: PendingOptions
  readonly #placement: Placement
  readonly #loads: Loads
  readonly #reads: Reads
  readonly #batches: Batches
  readonly #answers: Answers
  readonly #owing: Owing
  readonly #room: Room
  readonly #codeEnds: CodeEnds

  constructor(options: PendingOptions) {
    const { horizon, maxBytes, maxMarks } = options
    this.#options = options
    this.#placement = new Placement(new Entries(options), new Queues(), { ...options, isHeld: horizon !== null })
    this.#loads = new Loads(this.#placement, { isRestart: horizon !== null })
    this.#reads = new Reads(this.#placement, { marks: maxMarks })
    this.#batches = new Batches(this.#placement)
    this.#answers = new Answers(this.#placement, { ...options, maxReadBackBytes: maxBytes / 8 })
    this.#owing = new Owing(this.#placement)
    this.#room = new Room(this.#placement, options)
    this.#codeEnds = new CodeEnds(this.#placement, this.#reads)
  }

  /** Rows that wait, by lane. */
  get waiting(): Readonly<Record<Lane, number>> {
    return this.#placement.queues.counts
  }
  get inFlight(): number {
    return this.#placement.queues.inFlight
  }
  /** Rows that a request could carry now, by lane. */
  get sendable(): Readonly<Record<Lane, number>> {
    const { isHeld, queues } = this.#placement
    if (isHeld) return { live: 0, backfill: 0 }
    return { live: queues.sendable('live'), backfill: queues.sendable('backfill') }
  }
  /** Requests that end a code, ready to leave. */
  get endsReady(): number {
    return this.#placement.queues.size('end code')
  }
  /** Rows whose record is to be loaded. */
  get unloaded(): number {
    return this.#loads.waiting
  }
  /** Rows that wait for the record of a code that ends. */
  get unsubscriptions(): number {
    return this.#codeEnds.waiting
  }
  get readBacks(): number {
    return this.#answers.readBacks
  }
  isInMemory(key: RowKey): boolean {
    return this.#placement.entries.find(key) !== undefined
  }
  get entries(): number {
    return this.#placement.entries.size
  }
  get bytes(): number {
    return this.#placement.entries.bytes
  }
  /** Grows with each change after which something that could not leave may leave. */
  get changes(): number {
    return this.#placement.changes
  }
  /** How full it is, from 0 to 1; at 1 there is no room until something is delivered and stored. */
  get fill(): number {
    return this.#room.fill
  }
  /** Whether content may be read into memory. */
  get mayTakeContent(): boolean {
    const { live, backfill } = this.sendable
    return this.#room.mayTakeContent(live + backfill)
  }
  /** No room. While held there is: what comes then fitted in memory before. */
  get full(): boolean {
    return !this.held && this.fill >= 1
  }
  /** Rule 9: nothing is sent and nothing read until the stream has passed the earlier run's horizon. */
  get held(): boolean {
    return this.#placement.isHeld
  }

  /** The first change of a transaction is about to arrive: nothing of it leaves before `committed`. */
  begun(commitLsn: Lsn): void {
    this.#placement.openCommitLsn = commitLsn
  }
  /** It has arrived whole. */
  committed(): void {
    const { queues } = this.#placement
    this.#placement.openCommitLsn = null
    if (queues.size('commit') === 0) return
    for (const entry of queues.first('commit', Number.POSITIVE_INFINITY)) this.#placement.place(entry)
  }

  /**
   * Frees memory of what cannot leave for now: rows of the transaction that is still arriving, and, unless the table may be read,
   * those that wait for a read, and of codes that are to be ended; down to half of the bounds. @returns how many are owed.
   */
  owe({ mayRead }: { readonly mayRead: boolean }): number {
    if (this.held) return 0
    const more = () => this.#room.isHalfFull
    const owed = this.#owing.owe('commit', more) + (mayRead ? 0 : this.#owing.owe('read', more))
    return owed + this.#owing.oweEnds((entry) => this.#codeEnds.isShown(entry), more)
  }
  /** Owes codes to be ended beyond their bound. @returns how many. */
  oweUnsubscriptions(): number {
    const { maxUnsubscriptions } = this.#options
    // In portions: each look goes over all of them.
    if (this.held || this.unsubscriptions <= maxUnsubscriptions + Math.ceil(maxUnsubscriptions / 4)) return 0
    return this.#owing.oweBeyond('resolve removal', maxUnsubscriptions)
  }
  /** A code cannot be ended for now: its row is looked at again after a while. @returns false if it waits for something else by now. */
  oweLater(key: RowKey, delayMs: number): boolean {
    const entry = this.#placement.entries.find(key)
    if (entry) this.#placement.stopResolving(entry)
    return entry?.state === 'resolve removal' && this.#owing.oweRow(entry, delayMs)
  }

  /** A row that a request could carry is looked at again after a while instead. @returns false if it waits for something else by now. */
  oweSendable(key: RowKey, delayMs: number): boolean {
    const entry = this.#placement.entries.find(key)
    return (entry?.state === 'send' || entry?.state === 'end code') && this.#owing.oweRow(entry, delayMs)
  }

  /** The stream brought a change. */
  streamed(change: StreamedChange): void {
    const entry = this.#placement.entries.open(change.key)
    const version = mergeStreamed(entry, change, this.#options, {
      readLsn: this.#placement.entries.readLsn,
      dropsContent: this.held && this.#placement.entries.bytes >= this.#options.maxBytes,
    })
    if (version) this.#placement.entries.replace(entry, version)
    this.#placement.place(entry)
  }

  /** The stream has received everything before a position: reads that ended there are forgotten. */
  passed(receivedLsn: Lsn): void {
    // The horizon's transaction is whole: after what an earlier run sent of it, it may have replaced an older change.
    if (this.#options.horizon && receivedLsn > this.#options.horizon.commitLsn) this.release()
    this.#reads.passed(receivedLsn)
  }

  /** Ends the hold. */
  release(): void {
    if (!this.held) return
    this.#placement.isHeld = false
    for (const entry of this.#placement.entries.all()) this.#placement.place(entry, true)
  }

  /** Rows whose state must be looked up, the oldest first. */
  toLookUp(limit: number): LookUp[] {
    return this.#loads.first(limit)
  }
  /** The answer to `toLookUp`, and to `expect`. @param isShared whether another row has its code by the store. */
  lookedUp(asked: LookUp, stored: StoredRow | null, isShared = false): void {
    this.#loads.loaded(asked, stored, isShared)
  }

  /** Rows that must be read from the table before they can be sent (rule 10). */
  toRead(limit: number): RowKey[] {
    return this.held ? [] : this.#placement.queues.first('read', limit).map(({ key }) => key)
  }
  /** A read has returned, and is to be merged row by row. @returns the rows whose state must be looked up before. */
  expect(keys: readonly RowKey[]): LookUp[] {
    return this.#reads.expect(keys)
  }
  /**
   * mediQuo was found to hold something else of these rows than it accepted: what it accepted is forgotten, durably like any
   * settlement, so that the next version of each is sent, whichever it is. Call it between `expect` and `read`.
   */
  distrust(keys: readonly RowKey[]): void {
    this.#reads.distrust(keys)
  }
  /** A read returned the row, or did not find it. @returns false if it is older than what is known: nothing is left of it then. */
  read(found: ReadRow): boolean {
    return this.#reads.merge(found)
  }
  /** The rows that were expected are merged, or never will be. */
  endRead(): void {
    this.#reads.end()
  }
  /** MERGE's R: no read that left, or was settled, ended later. */
  get readLsn(): Lsn | null {
    return this.#placement.entries.readLsn
  }
  /** MERGE's H: the newest streamed change of which a version left. */
  get sentTo(): Position | null {
    return this.#batches.sentTo
  }

  /** Codes that are to be ended and whose records are to be found: some that can be ended now. */
  toResolve(limit: number): EndingCode[] {
    return this.#codeEnds.toResolve(limit)
  }
  /** The record of an ended code was not found now: it is looked for again. */
  notResolved(key: RowKey, code: PatientCode): void {
    this.#codeEnds.notResolved(key, code)
  }
  /** The answer to `toResolve`. */
  resolved(key: RowKey, removal: Removal): void {
    this.#codeEnds.resolved(key, removal)
  }
  /** Whether a code belongs to another row by now: ending it would end that row's patient. */
  isClaimed(code: PatientCode, key: RowKey): boolean {
    return this.#codeEnds.isClaimed(code, key)
  }
  /** Whether a row that has a code by the store has it still: memory may know that it gave it up, before the store does. */
  mayHold(code: PatientCode, key: RowKey): boolean {
    return this.#codeEnds.mayHold(code, key)
  }

  /** Cuts a batch: the oldest rows, live before backfill, each code once, and none whose code is in flight. */
  take(limit: number): Delivery[] {
    return this.#batches.take(limit)
  }
  /** The API accepted it (rule 8). */
  accepted(delivery: Delivery): void {
    this.#answers.accepted(delivery)
  }
  /** The API refused this row permanently (rule 8): a durable dead letter. */
  refused(delivery: Delivery, deadLetter: DeadLetter): void {
    this.#answers.refused(delivery, deadLetter)
  }
  /** It was certainly not applied (a 429, a refused connection): it waits again, unless a newer version does. */
  returned(delivery: Delivery): void {
    this.#answers.returned(delivery)
  }
  /** No answer came: it may have been applied, or be applied later (rule 7). */
  lost(delivery: Delivery): void {
    this.#answers.lost(delivery)
  }
  /** It may have been applied, and whoever sends it keeps it, to send it again. */
  doubted(delivery: Delivery): void {
    this.#answers.doubted(delivery)
  }

  /** It was read back, and is what the API has. */
  confirmed(delivery: Delivery): void {
    this.#answers.confirmed(delivery)
  }
  /** It was read back, and an older request was applied after it: the row is sent once more. */
  overtaken(delivery: Delivery): void {
    this.#answers.overtaken(delivery)
  }

  /** The rows to store next. They stay until `recorded` says that they are. */
  toRecord(): readonly StoredRow[] {
    return this.#placement.entries.toRecord()
  }
  get unrecorded(): number {
    return this.#placement.entries.unrecorded
  }
  /** These rows are stored: what memory knows of them may go once nothing of them waits. */
  recorded(rows: readonly StoredRow[]): void {
    this.#placement.entries.recorded(rows)
  }

  /** Checks every invariant. @throws {Error} the first that does not hold. */
  assert(): void {
    this.#placement.entries.assert()
  }
}
