import { type Lane, lanes } from '../model/lane.ts'
import type { Lsn } from '../model/lsn.ts'
import type { PatientCode } from '../model/patient.ts'
import { comparePositions } from '../model/position.ts'
import type { RowKey } from '../model/row.ts'
import type { DeadLetter, StoredRow } from '../model/stored-row.ts'
import { Entries } from './entries.ts'
import { type MergeContext, mergeRead, mergeStreamed } from './merge.ts'
import { nextStep, type Step, type StepPolicy } from './next-step.ts'
import { Queues } from './queues.ts'
import { ReadMarks } from './read-marks.ts'
import { afterAcceptance, afterRefusal, afterRetirement, type Settled, unsentRow } from './settled-row.ts'
import type { Entry, Parcel, ReadRow, Removal, StreamedChange, Version } from './version.ts'

export interface PendingOptions extends StepPolicy, MergeContext {
  /** Called for each version that is settled, in the order of settling. */
  readonly onSettled: (outcome: Settled, version: Version) => void
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
  readonly #entries: Entries
  readonly #queues = new Queues()
  readonly #reads = new ReadMarks()
  #held: boolean

  constructor(options: PendingOptions) {
    this.#options = options
    this.#entries = new Entries(options.debts)
    this.#held = options.horizon !== null
  }

  /** Rows that wait, by lane. */
  get waiting(): Readonly<Record<Lane, number>> {
    return this.#queues.counts
  }
  get inFlight(): number {
    return this.#queues.inFlight
  }
  /** Rows that a request could carry now. */
  get sendable(): number {
    return this.#held ? 0 : this.#queues.queue('send', 'live').size + this.#queues.queue('send', 'backfill').size
  }
  /** No room until something is delivered and stored. While held there is: what comes then fitted in memory before. */
  get full(): boolean {
    if (this.#held) return false
    const { live, backfill } = this.#queues.counts
    const rows = live + backfill + this.#queues.inFlight + this.#entries.unrecorded
    return rows >= this.#options.maxRows || this.#entries.bytes >= this.#options.maxBytes
  }
  /** Rule 9: nothing is sent and nothing read until the stream has passed the earlier run's horizon. */
  get held(): boolean {
    return this.#held
  }

  /** The stream brought a change. */
  streamed(change: StreamedChange): void {
    const entry = this.#entries.open(change.key)
    const version = mergeStreamed(entry, change, this.#options)
    if (version) this.#entries.replace(entry, version)
    this.#place(entry)
    const { horizon } = this.#options
    if (horizon && comparePositions(change.position, horizon) >= 0) this.release()
  }

  /** A read returned the row, or did not find it. @returns false if it is older than what is known: nothing is left of it then. */
  read(found: ReadRow): boolean {
    const entry = this.#entries.open(found.key)
    const { stale, version } = mergeRead(entry, found)
    if (version) {
      this.#entries.replace(entry, version)
      this.#reads.add(found.key, found.endLsn)
    }
    this.#place(entry)
    return !stale
  }

  /** The stream has received everything before a position: reads that ended there are forgotten, and the hold ends past the horizon. */
  passed(receivedLsn: Lsn): void {
    if (this.#options.horizon && receivedLsn > this.#options.horizon.commitLsn) this.release()
    for (const key of this.#reads.passed(receivedLsn)) {
      const entry = this.#entries.find(key)
      if (!entry?.read || entry.read.endLsn > receivedLsn) continue
      entry.read = null
      this.#place(entry)
    }
  }

  /** Ends the hold: the stream stands at the horizon. */
  release(): void {
    if (!this.#held) return
    this.#held = false
    for (const entry of this.#entries.all()) this.#place(entry)
  }

  /** Rows whose state must be looked up, the oldest first. */
  toLookUp(limit: number): RowKey[] {
    return this.#queues.first('look up', limit).map(({ key }) => key)
  }
  /** The answer to `toLookUp`. */
  lookedUp(key: RowKey, stored: StoredRow | null): void {
    const entry = this.#entries.find(key)
    if (entry?.stored !== undefined || !entry) return
    entry.stored = stored
    const { waiting } = entry
    // 3a, once more: what an earlier run settled costs neither memory nor a request.
    if (waiting?.origin === 'stream' && waiting.position && stored?.position) {
      if (comparePositions(waiting.position, stored.position) <= 0) this.#settle(entry, waiting, 'superseded', null)
    }
    this.#place(entry)
  }

  /** Rows that must be read from the table before they can be sent (rule 10). None while held. */
  toRead(limit: number): RowKey[] {
    if (this.#held || this.#reads.full) return []
    return this.#queues.first('read', limit).map(({ key }) => key)
  }

  /** Ended codes for which a full record must be found. None while held. */
  toResolve(limit: number): (Extract<Step, { kind: 'resolve removal' }> & { readonly key: RowKey })[] {
    if (this.#held) return []
    return this.#queues.first('resolve removal', limit).flatMap((entry) => {
      const step = nextStep(entry, this.#options)
      if (step.kind !== 'resolve removal') return []
      entry.resolving = step.code
      return [{ ...step, key: entry.key }]
    })
  }
  /** The answer to `toResolve`. */
  resolved(key: RowKey, removal: Removal): void {
    const entry = this.#entries.find(key)
    if (!entry?.waiting || entry.inFlight || entry.resolving !== removal.code) return
    // Another row may have taken the code, or ended it, meanwhile.
    const step = nextStep(entry, this.#options)
    if (step.kind !== 'resolve removal' || step.code !== removal.code) return
    entry.removal = removal
    this.#place(entry)
  }

  /** Cuts a batch: the oldest rows, live before backfill, each code once, and none whose code is in flight. */
  take(limit: number): Parcel[] {
    const parcels: Parcel[] = []
    if (this.#held) return parcels
    for (const lane of lanes) {
      for (const entry of this.#queues.queue('send', lane)) {
        if (parcels.length >= limit) return parcels
        const version = entry.waiting
        if (!version) continue
        const step = nextStep(entry, this.#options)
        if (step.kind !== 'send') continue
        const { code, patient, purpose } = step
        if (purpose !== 'upsert' && this.#queues.isClaimed(code, entry)) {
          this.#leave(entry, code)
          continue
        }
        if (this.#queues.isInFlight(code) || this.#queues.hasEarlier(code, entry)) continue
        const parcel: Parcel = { key: entry.key, code, patient, purpose, version }
        entry.inFlight = version
        entry.waiting = null
        entry.resolving = null
        this.#queues.depart(parcel)
        this.#queues.place(entry, null)
        parcels.push(parcel)
        this.#takeFromOthers(code, entry)
      }
    }
    return parcels
  }

  /** Whether a code belongs to another row by now: ending it would end that row's patient. */
  isClaimed(code: PatientCode, key: RowKey): boolean {
    const entry = this.#entries.find(key)
    return entry !== undefined && (this.#queues.isClaimed(code, entry) || this.#entries.isHeldUnrecorded(code, key))
  }

  /** Whether a row that has a code by the state has it still: memory may know that it gave it up, and only the state not yet. */
  mayHold(code: PatientCode, key: RowKey): boolean {
    const stored = this.#entries.find(key)?.stored
    return stored === undefined || (stored !== null && !stored.removed && stored.code === code)
  }

  /** The API accepted it (rule 8). */
  accepted(parcel: Parcel): void {
    const entry = this.#landed(parcel)
    entry.removal = null
    if (parcel.purpose === 'retire') {
      this.#entries.putBack(entry, parcel.version)
      this.#retired(entry, parcel.code)
    } else {
      entry.inDoubt = false
      this.#settle(entry, parcel.version, 'delivered', afterAcceptance(entry, parcel, this.#options.fingerprint))
    }
    this.#place(entry)
  }

  /** The API refused this row for good (rule 8): a durable dead letter, whose fingerprint is unknown. */
  refused(parcel: Parcel, deadLetter: DeadLetter): void {
    const entry = this.#landed(parcel)
    this.#settle(entry, parcel.version, 'dead letter', afterRefusal(entry, parcel, deadLetter))
    this.#place(entry)
  }

  /** It was certainly not applied (a 429, a refused connection): it waits again, unless a newer version does. */
  returned(parcel: Parcel): void {
    const entry = this.#landed(parcel)
    this.#entries.putBack(entry, parcel.version)
    this.#place(entry)
  }

  /** No answer came: it may have been applied, or be applied later (rule 7). */
  lost(parcel: Parcel): void {
    const entry = this.#entries.find(parcel.key)
    if (entry) entry.inDoubt = true
    this.returned(parcel)
  }

  /** The rows to store next. They stay until `recorded` says that they are. */
  toRecord(): readonly StoredRow[] {
    return this.#entries.toRecord()
  }
  get unrecorded(): number {
    return this.#entries.unrecorded
  }
  /** These rows are stored: what memory knows of them may go once nothing of them waits. */
  recorded(rows: readonly StoredRow[]): void {
    this.#entries.recorded(rows)
  }

  /** Brings an entry to where its next step is done, settles what needs no request, and forgets what is done with. */
  #place(entry: Entry): void {
    while (entry.waiting && !entry.inFlight) {
      if (this.#held) {
        this.#queues.place(entry, entry.stored === undefined ? 'look up' : 'send')
        return
      }
      const step = nextStep(entry, this.#options)
      if (step.kind === 'settle') {
        this.#settle(entry, entry.waiting, step.outcome, unsentRow(entry, step.outcome))
      } else if (step.kind === 'forget old code') {
        entry.removal = null
        this.#retired(entry, step.code)
      } else {
        this.#queues.place(entry, step.kind)
        return
      }
    }
    this.#queues.place(entry, null)
    this.#entries.forgetIfDone(entry)
  }

  /** @param row what the state shall say from now on, null if it says so already. */
  #settle(entry: Entry, version: Version, outcome: Settled, row: StoredRow | null): void {
    if (entry.waiting === version) {
      entry.waiting = null
      entry.removal = null
    }
    this.#entries.settle(entry, version, row)
    this.#options.onSettled(outcome, version)
  }

  /** Ends the exclusivity of a parcel's code and row. */
  #landed(parcel: Parcel): Entry {
    const entry = this.#entries.find(parcel.key)
    if (entry?.inFlight !== parcel.version || !entry) throw new Error('an answer for a row that is not in flight')
    this.#queues.land(parcel)
    entry.inFlight = null
    return entry
  }

  /** A code that the row no longer has was ended, or is another row's by now. */
  #retired(entry: Entry, code: PatientCode): void {
    entry.formerCodes = entry.formerCodes.filter((former) => former !== code)
    const row = afterRetirement(entry, code)
    if (row) this.#entries.store(entry, row)
  }

  /** A request is about to replace what mediQuo has of a code: other rows that had it must neither end it nor trust a fingerprint. */
  #takeFromOthers(code: PatientCode, holder: Entry): void {
    for (const other of this.#queues.sharing(code, holder)) {
      other.inDoubt = true
      if (other.inFlight) continue
      const step = nextStep(other, this.#options)
      const ends = step.kind === 'resolve removal' || (step.kind === 'send' && step.purpose !== 'upsert')
      if (ends && step.code === code) this.#leave(other, code)
    }
  }

  /** The code is to be ended no more: another row has it. */
  #leave(entry: Entry, code: PatientCode): void {
    entry.removal = { code, patient: null }
    this.#place(entry)
  }
}
