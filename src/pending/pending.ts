import type { PatientCode } from '../model/patient/patient.ts'
import type { Lane } from '../model/progress/lane.ts'
import type { DeadLetter, StoredRow } from '../model/progress/stored-row.ts'
import type { Lsn } from '../model/source/lsn.ts'
import type { Position } from '../model/source/position.ts'
import type { RowKey } from '../model/source/row.ts'
import { Answers } from './answers.ts'
import { type CodeToUnsubscribe, CodeUnsubscriptions } from './code-unsubscriptions.ts'
import { Entries } from './entries.ts'
import type { LookUp } from './entry/entry.ts'
import { type MergeContext, mergeStreamed } from './entry/merge.ts'
import type { Delivery, ReadRow, Removal, StreamedChange } from './entry/version.ts'
import { Owing } from './owing.ts'
import type { PendingBounds, PendingOptions } from './pending-options.ts'
import { Batches } from './queue/batches.ts'
import { EntryScheduler } from './queue/entry-scheduler.ts'
import { Queues } from './queue/queues.ts'
import { Room } from './queue/room.ts'
import { Loads } from './read/loads.ts'
import { Reads } from './read/reads.ts'
import type { Taken } from './taken-codes.ts'

/**
 * Rows that wait, one entry per row; the newest version wins. Merges the stream with table reads (`merge.ts`), decides what is sent
 * (`next-step.ts`), and settles debts. Events in, decisions out, no I/O.
 */
export class Pending {
  readonly #merging: MergeContext
  readonly #bounds: PendingBounds
  readonly #scheduler: EntryScheduler
  readonly #loads: Loads
  readonly #reads: Reads
  readonly #batches: Batches
  readonly #answers: Answers
  readonly #owing: Owing
  readonly #room: Room
  readonly #codeUnsubscriptions: CodeUnsubscriptions

  constructor({ ledgers, earlier, policy, bounds, confirming, listener }: PendingOptions) {
    const { horizon, readLsn } = earlier
    const { onDelete, fingerprint, confirmDelayMs } = policy
    this.#bounds = bounds
    this.#merging = { debts: ledgers.stream, horizon, onDelete }
    const common = { ...listener, isLost: (code: PatientCode) => confirming.isLost(code) }
    const entries = new Entries({ debts: ledgers.stream, backfillDebts: ledgers.backfill, readLsn, ...common })
    const scheduling = { onDelete, fingerprint, confirming, isSendingHeld: horizon !== null, ...listener }
    this.#scheduler = new EntryScheduler(entries, new Queues(), scheduling)
    this.#loads = new Loads(this.#scheduler)
    this.#reads = new Reads(this.#scheduler, bounds)
    this.#batches = new Batches(this.#scheduler)
    this.#answers = new Answers(this.#scheduler, { fingerprint, confirmDelayMs, maxReadBackBytes: bounds.bytes / 8 })
    this.#owing = new Owing(this.#scheduler)
    this.#room = new Room(this.#scheduler, bounds)
    this.#codeUnsubscriptions = new CodeUnsubscriptions(this.#scheduler, this.#reads)
  }

  /** Number of rows that wait, by lane. */
  get waiting(): Readonly<Record<Lane, number>> {
    return this.#scheduler.queues.counts
  }
  get inFlight(): number {
    return this.#scheduler.queues.inFlight
  }
  /** Number of rows that a request could carry now, by lane. */
  get sendable(): Readonly<Record<Lane, number>> {
    const { isSendingHeld, queues } = this.#scheduler
    if (isSendingHeld) return { live: 0, backfill: 0 }
    return { live: queues.sendable('live'), backfill: queues.sendable('backfill') }
  }
  /** Number of requests that unsubscribe a code and are ready to be sent. */
  get unsubscriptionsReady(): number {
    return this.#scheduler.queues.size('end code')
  }
  /** Number of rows whose record is to be loaded. */
  get unloaded(): number {
    return this.#loads.waiting
  }
  /** Number of rows that wait for the record of a code to unsubscribe. */
  get unsubscriptions(): number {
    return this.#codeUnsubscriptions.waiting
  }
  get readBacks(): number {
    return this.#answers.readBacks
  }
  isInMemory(key: RowKey): boolean {
    return this.#scheduler.entries.find(key) !== undefined
  }
  get entries(): number {
    return this.#scheduler.entries.size
  }
  get bytes(): number {
    return this.#scheduler.entries.bytes
  }
  /** Counter that grows with each change after which something that could not be sent may be sent. */
  get changes(): number {
    return this.#scheduler.changes
  }
  /** Fill of memory, from 0 to 1; at 1 there is no room until something is delivered and stored. */
  get fill(): number {
    return this.#room.fill
  }
  /** True if content may be read into memory. */
  get mayTakeContent(): boolean {
    const { live, backfill } = this.sendable
    return this.#room.mayTakeContent(live + backfill)
  }
  /** True if there is no room. Never in the hold: rows that arrive then were in memory before. */
  get full(): boolean {
    return !this.isSendingHeld && this.fill >= 1
  }
  /** Rule 9: true until the stream has passed the earlier run's horizon. Nothing is sent or read until then. */
  get isSendingHeld(): boolean {
    return this.#scheduler.isSendingHeld
  }

  /** The first change of a transaction is about to arrive: nothing of it is sent before `committed`. */
  begun(commitLsn: Lsn): void {
    this.#scheduler.openCommitLsn = commitLsn
  }
  /** The transaction has arrived completely. */
  committed(): void {
    const { queues } = this.#scheduler
    this.#scheduler.openCommitLsn = null
    if (queues.size('commit') === 0) return
    for (const entry of queues.first('commit', Number.POSITIVE_INFINITY)) this.#scheduler.schedule(entry)
  }

  /** Frees memory down to half of the bounds, by rows that can be owed. @returns their number. */
  owe({ mayRead }: { readonly mayRead: boolean }): number {
    if (this.isSendingHeld) return 0
    const more = () => this.#room.isHalfFull
    const owed = this.#owing.owe('commit', more) + (mayRead ? 0 : this.#owing.owe('read', more))
    return owed + this.#owing.oweEnds((entry) => this.#codeUnsubscriptions.isShown(entry), more)
  }
  /** Owes codes to unsubscribe beyond their bound. @returns their number. */
  oweUnsubscriptions(): number {
    const most = this.#bounds.unsubscriptions
    // In portions: each call goes over all of them.
    if (this.isSendingHeld || this.unsubscriptions <= most + Math.ceil(most / 4)) return 0
    return this.#owing.oweBeyond('resolve removal', most)
  }
  /** Owes a row whose code cannot be unsubscribed now. @returns false if it waits for something else by now. */
  oweLater(key: RowKey, delayMs: number, soughtForMs?: number | null): boolean {
    const entry = this.#scheduler.entries.find(key)
    if (entry) this.#scheduler.stopResolving(entry)
    return entry?.state === 'resolve removal' && this.#owing.oweRow(entry, delayMs, soughtForMs)
  }
  /** Owes a row that a request could carry. @returns false if it waits for something else by now. */
  oweSendable(key: RowKey, delayMs: number): boolean {
    const entry = this.#scheduler.entries.find(key)
    return (entry?.state === 'send' || entry?.state === 'end code') && this.#owing.oweRow(entry, delayMs)
  }

  /** Merges a change of the stream. */
  streamed(change: StreamedChange): void {
    const entry = this.#scheduler.entries.open(change.key)
    const version = mergeStreamed(entry, change, this.#merging, {
      readLsn: this.#scheduler.entries.readLsn,
      dropsContent: this.isSendingHeld && this.#scheduler.entries.bytes >= this.#bounds.bytes,
    })
    if (version) this.#scheduler.entries.replace(entry, version)
    this.#scheduler.schedule(entry)
  }

  /** Rule 19: the table was truncated after the changes that were merged so far. */
  truncated(): void {
    this.#scheduler.readWaiting()
  }

  /** The stream has received everything before a position: forgets the marks of reads that ended there. */
  passed(receivedLsn: Lsn): void {
    // A change later in the horizon's transaction may replace an older one.
    if (this.#merging.horizon && receivedLsn > this.#merging.horizon.commitLsn) this.release()
    this.#reads.passed(receivedLsn)
  }
  /** Ends the hold. */
  release(): void {
    if (!this.isSendingHeld) return
    this.#scheduler.isSendingHeld = false
    for (const entry of this.#scheduler.entries.all()) this.#scheduler.schedule(entry, true)
  }

  /** Returns rows whose record must be loaded, the oldest first. */
  toLookUp(limit: number): LookUp[] {
    return this.#loads.first(limit)
  }
  /** Takes an answer to `toLookUp` or `expect`. @param isShared true if another stored row has the same code. */
  lookedUp(asked: LookUp, stored: StoredRow | null, isShared = false): void {
    this.#loads.loaded(asked, stored, isShared)
  }

  /** Returns rows that must be read from the table before they can be sent (rule 10). */
  toRead(limit: number): RowKey[] {
    return this.isSendingHeld ? [] : this.#scheduler.queues.first('read', limit).map(({ key }) => key)
  }
  /** A read has returned and is to be merged row by row. @returns the rows whose record must be loaded first. */
  expect(keys: readonly RowKey[]): LookUp[] {
    return this.#reads.expect(keys)
  }
  /** Forgets, durably, what mediQuo accepted of these rows: their next versions are sent. Call it between `expect` and `read`. */
  distrust(keys: readonly RowKey[]): void {
    this.#reads.distrust(keys)
  }
  /** Merges a row that a read returned or did not find. @returns false if it is older than what is known, and leaves nothing behind. */
  read(found: ReadRow): boolean {
    return this.#reads.merge(found)
  }
  /** The expected rows are merged, or never will be. */
  endRead(): void {
    this.#reads.end()
  }
  /** R: no read that was sent or settled ended later. */
  get readLsn(): Lsn | null {
    return this.#scheduler.entries.readLsn
  }
  /** H: the newest streamed change of which a version was sent. */
  get sentTo(): Position | null {
    return this.#batches.sentTo
  }

  /** Returns codes that are to be unsubscribed, and whose records are to be found now. */
  toResolve(limit: number): CodeToUnsubscribe[] {
    return this.#codeUnsubscriptions.toResolve(limit)
  }
  /** The record of a code to unsubscribe was not found now: it will be looked for again. */
  notResolved(key: RowKey, code: PatientCode): void {
    this.#codeUnsubscriptions.notResolved(key, code)
  }
  /** Takes an answer to `toResolve`. */
  resolved(key: RowKey, removal: Removal): void {
    this.#codeUnsubscriptions.resolved(key, removal)
  }
  /** Returns true if a code belongs to another row by now: unsubscribing it would unsubscribe that row's patient. */
  isCodeOwnedByOther(code: PatientCode, key: RowKey): boolean {
    return this.#codeUnsubscriptions.isCodeOwnedByOther(code, key)
  }
  /** Returns true if a row that has a code in the store still has it: memory may know earlier that the row gave it up. */
  mayOwnCode(code: PatientCode, key: RowKey): boolean {
    return this.#codeUnsubscriptions.mayOwnCode(code, key)
  }

  /** Cuts a batch: the oldest rows, live before backfill, each code once, and no code that is in flight. */
  take(limit: number): Delivery[] {
    return this.#batches.take(limit)
  }
  /** The API accepted the delivery (rule 8). */
  accepted(delivery: Delivery): void {
    this.#answers.accepted(delivery)
  }
  /** The API refused this row permanently (rule 8): a durable dead letter. */
  refused(delivery: Delivery, deadLetter: DeadLetter): void {
    this.#answers.refused(delivery, deadLetter)
  }
  /** The delivery was certainly not applied (a 429, a refused connection): it waits again, unless a newer version waits. */
  returned(delivery: Delivery): void {
    this.#answers.returned(delivery)
  }
  /** No answer came: the delivery may have been applied, or may be applied later (rule 7). */
  lost(delivery: Delivery): void {
    this.#answers.lost(delivery)
  }
  /** The delivery may have been applied, and the sender keeps it to send it again. */
  doubted(delivery: Delivery): void {
    this.#answers.doubted(delivery)
  }
  /** The answer was a success that is not a documented one: the delivery stays in flight until it is read back. */
  succeeded(delivery: Delivery): void {
    this.#answers.succeeded(delivery)
  }

  /** The delivery was read back: the API has it. */
  confirmed(delivery: Delivery): void {
    this.#answers.confirmed(delivery)
  }
  /** The delivery was read back, and an older request was applied after it: the row is sent again. */
  overtaken(delivery: Delivery): void {
    this.#answers.overtaken(delivery)
  }

  /** Returns the rows to store next. They stay until `recorded` confirms them. */
  toRecord(): readonly StoredRow[] {
    return this.#scheduler.entries.toRecord()
  }
  get unrecorded(): number {
    return this.#scheduler.entries.unrecorded
  }
  /** Rule 12a: returns the codes that these rows take from their rows. The same write makes other rows with these codes owed. */
  takenCodes(): Taken {
    return this.#scheduler.entries.takenCodes()
  }
  /** These rows are stored: memory may forget each of them once nothing of it waits. @param owed rows that the same write made owed. */
  recorded(rows: readonly StoredRow[], owed: readonly RowKey[] = []): void {
    this.#scheduler.entries.recorded(rows, owed)
  }

  /** Checks every invariant. @throws {Error} for the first that does not hold. */
  assert(): void {
    this.#scheduler.assert()
  }
}
