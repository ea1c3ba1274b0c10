import type { Claims } from '../model/debt.ts'
import type { Lane } from '../model/lane.ts'
import type { Lsn } from '../model/lsn.ts'
import type { PatientCode } from '../model/patient.ts'
import { comparePositions } from '../model/position.ts'
import type { RowKey } from '../model/row.ts'
import type { DeadLetter, StoredRow } from '../model/stored-row.ts'
import { Answers } from './answers.ts'
import { Batches } from './batches.ts'
import { Entries } from './entries.ts'
import { type MergeContext, mergeStreamed } from './merge.ts'
import type { Step } from './next-step.ts'
import { Placement, type PlacementOptions } from './placement.ts'
import { Queues } from './queues.ts'
import { Reads } from './reads.ts'
import type { LookUp, Parcel, ReadRow, Removal, StreamedChange } from './version.ts'

export interface PendingOptions extends PlacementOptions, MergeContext {
  readonly claims: Claims
  /** Rows in memory, waiting, in flight or not yet stored, past which there is no room. */
  readonly maxRows: number
  readonly maxBytes: number
}

/**
 * What waits, one entry a row, newest wins. It merges the stream with table reads (`merge.ts`), decides what is sent
 * (`next-step.ts`), and settles debts. Events in, decisions out, no I/O.
 */
export class Pending {
  readonly #options: PendingOptions
  readonly #placement: Placement
  readonly #reads: Reads
  readonly #batches: Batches
  readonly #answers: Answers

  constructor(options: PendingOptions) {
    this.#options = options
    this.#placement = new Placement(new Entries(options), new Queues(), { ...options, held: options.horizon !== null })
    this.#reads = new Reads(this.#placement)
    this.#batches = new Batches(this.#placement, this.#reads)
    this.#answers = new Answers(this.#placement, options.fingerprint)
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
    const { held, queues } = this.#placement
    if (held) return { live: 0, backfill: 0 }
    return { live: queues.queue('send', 'live').size, backfill: queues.queue('send', 'backfill').size }
  }
  /** How full it is, from 0 to 1; at 1 there is no room until something is delivered and stored. */
  get fill(): number {
    const { entries, queues } = this.#placement
    const rows = queues.counts.live + queues.counts.backfill + queues.inFlight + entries.unrecorded
    return Math.min(1, Math.max(rows / this.#options.maxRows, entries.bytes / this.#options.maxBytes))
  }
  /** No room. While held there is: what comes then fitted in memory before. */
  get full(): boolean {
    return !this.held && this.fill >= 1
  }
  /** Rule 9: nothing is sent and nothing read until the stream has passed the earlier run's horizon. */
  get held(): boolean {
    return this.#placement.held
  }

  /** The stream brought a change. */
  streamed(change: StreamedChange): void {
    const entry = this.#placement.entries.open(change.key)
    const version = mergeStreamed(entry, change, this.#options)
    if (version) this.#placement.entries.replace(entry, version)
    this.#placement.place(entry)
    const { horizon } = this.#options
    if (horizon && comparePositions(change.position, horizon) >= 0) this.release()
  }

  /** The stream has received everything before a position: reads that ended there are forgotten, and the hold ends past the horizon. */
  passed(receivedLsn: Lsn): void {
    if (this.#options.horizon && receivedLsn > this.#options.horizon.commitLsn) this.release()
    this.#reads.passed(receivedLsn)
  }

  /** Ends the hold: the stream stands at the horizon. */
  release(): void {
    if (!this.held) return
    this.#placement.held = false
    for (const entry of this.#placement.entries.all()) this.#placement.place(entry)
  }

  /** Rows whose state must be looked up, the oldest first. */
  toLookUp(limit: number): LookUp[] {
    return this.#placement.queues.first('look up', limit)
  }
  /**
   * The answer to `toLookUp`, and to `expect`. What was settled, stored and forgotten since they asked is asked for again: the
   * answer is of before.
   */
  lookedUp(asked: LookUp, stored: StoredRow | null): void {
    const { key } = asked
    const entry = this.#placement.entries.find(key)
    if (entry !== asked || entry.stored !== undefined) return
    entry.stored = stored
    // An earlier run noted it before it sent it, and no answer after.
    if (this.#options.horizon && stored && !stored.removed && !stored.fingerprint && !stored.deadLetter)
      entry.unanswered = true
    // Asked before another row's request with this code was noted: what it says of the code is out of date.
    const { entries, queues } = this.#placement
    if (stored?.code && (queues.isInFlight(stored.code) || entries.isHeldUnrecorded(stored.code, key)))
      entry.inDoubt = true
    const { waiting } = entry
    // 3a, once more: what an earlier run settled costs neither memory nor a request.
    if (waiting?.origin === 'stream' && waiting.position && stored?.position) {
      if (comparePositions(waiting.position, stored.position) <= 0)
        this.#placement.settle(entry, waiting, 'superseded', null)
    }
    this.#placement.place(entry)
  }

  /** Whether a table read may be started: not while held, nor while the stream is far behind the reads before. */
  get mayRead(): boolean {
    return !this.held && !this.#reads.full
  }
  /** Rows that must be read from the table before they can be sent (rule 10). */
  toRead(limit: number): RowKey[] {
    return this.mayRead ? this.#placement.queues.first('read', limit).map(({ key }) => key) : []
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
    const { entries } = this.#placement
    for (const key of keys) {
      const entry = entries.find(key)
      if (entry?.stored?.fingerprint) entries.store(entry, { ...entry.stored, fingerprint: null })
    }
  }
  /** A read returned the row, or did not find it. @returns false if it is older than what is known: nothing is left of it then. */
  read(found: ReadRow): boolean {
    return this.#reads.merge(found)
  }
  /** The rows that were expected are merged, or never will be. */
  endRead(): void {
    this.#reads.end()
  }
  /** The end of the newest read that was merged. */
  get readTo(): Lsn | null {
    return this.#reads.newestEnd
  }

  /**
   * Ended codes for which a full record must be found. None while held; each code once, since two rows that end it would each
   * believe that the other has it; none that only a read ended, before the stream shows who has it now; nor one of which
   * another row's state is not known.
   */
  toResolve(limit: number): (Extract<Step, { kind: 'resolve removal' }> & { readonly key: RowKey })[] {
    const found = new Map<PatientCode, Extract<Step, { kind: 'resolve removal' }> & { readonly key: RowKey }>()
    if (this.held) return []
    for (const entry of this.#placement.queues.first('resolve removal', Number.POSITIVE_INFINITY)) {
      if (found.size >= limit) break
      if (entry.read && entry.waiting?.origin === 'read') continue
      const step = this.#placement.nextStep(entry)
      if (step.kind !== 'resolve removal' || found.has(step.code)) continue
      if (this.#placement.queues.isUndecided(step.code, entry)) continue
      entry.resolving = step.code
      found.set(step.code, { ...step, key: entry.key })
    }
    return [...found.values()]
  }
  /** Whether a code waits for its record, so that it can be ended. */
  get mustResolve(): boolean {
    return this.#placement.queues.first('resolve removal', 1).length > 0
  }
  /** The answer to `toResolve`. */
  resolved(key: RowKey, removal: Removal): void {
    const entry = this.#placement.entries.find(key)
    if (!entry?.waiting || entry.inFlight || entry.resolving !== removal.code) return
    // Another row may have taken the code, or ended it, meanwhile.
    const step = this.#placement.nextStep(entry)
    if (step.kind !== 'resolve removal' || step.code !== removal.code) return
    entry.removal = removal
    if (removal.kind === 'left') this.#placement.doubtOthers(entry, removal.code)
    this.#placement.place(entry)
  }
  /** Whether a code belongs to another row by now: ending it would end that row's patient. */
  isClaimed(code: PatientCode, key: RowKey): boolean {
    const { entries, queues } = this.#placement
    const entry = entries.find(key)
    return entry !== undefined && (queues.isClaimed(code, entry) || entries.isHeldUnrecorded(code, key))
  }
  /** Whether a row that has a code by the state has it still: memory may know that it gave it up, and only the state not yet. */
  mayHold(code: PatientCode, key: RowKey): boolean {
    const stored = this.#placement.entries.find(key)?.stored
    return stored === undefined || (stored !== null && !stored.removed && stored.code === code)
  }

  /** Cuts a batch: the oldest rows, live before backfill, each code once, and none whose code is in flight. */
  take(limit: number): Parcel[] {
    return this.#batches.take(limit)
  }
  /** The API accepted it (rule 8). */
  accepted(parcel: Parcel): void {
    this.#answers.accepted(parcel)
  }
  /** The API refused this row for good (rule 8): a durable dead letter. */
  refused(parcel: Parcel, deadLetter: DeadLetter): void {
    this.#answers.refused(parcel, deadLetter)
  }
  /** It was certainly not applied (a 429, a refused connection): it waits again, unless a newer version does. */
  returned(parcel: Parcel): void {
    this.#answers.returned(parcel)
  }
  /** No answer came: it may have been applied, or be applied later (rule 7). */
  lost(parcel: Parcel): void {
    this.#answers.lost(parcel)
  }
  /** It may have been applied, and whoever sends it keeps it, to send it again. */
  doubted(parcel: Parcel): void {
    this.#answers.doubted(parcel)
  }

  /** It was read back, and is what the API has. */
  confirmed(parcel: Parcel): void {
    this.#answers.confirmed(parcel)
  }
  /** It was read back, and an older request was applied after it: the row is sent once more. */
  overtaken(parcel: Parcel): void {
    this.#answers.overtaken(parcel)
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
}
