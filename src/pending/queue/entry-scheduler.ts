import type { Acceptance } from '../../model/patient/acceptance.ts'
import type { PatientCode } from '../../model/patient/patient.ts'
import type { DeadLetter, DeadLetterReason, StoredRow } from '../../model/progress/stored-row.ts'
import type { Lsn } from '../../model/source/lsn.ts'
import type { Entries } from '../entries.ts'
import type { Entry, Place } from '../entry/entry.ts'
import { codesToEnd, newestKnown } from '../entry/entry-facts.ts'
import { nextStep, type Step, type StepPolicy } from '../entry/next-step.ts'
import { codesOwnedBy } from '../entry/record-codes.ts'
import {
  afterUnsubscription,
  cannotBeUnsubscribed,
  type Settled,
  unsentRow,
  withFormerCode,
  withRefusedCode,
} from '../entry/settled-row.ts'
import type { Delivery, Version } from '../entry/version.ts'
import type { Queues } from './queues.ts'

/** Decides whether an accepted delivery counts as applied, or must be read back. */
export interface Confirming {
  /** @param inDoubt true if an older request may be applied later. @param hasRoom true if memory may keep it until it is read back. */
  accepted(delivery: Delivery, inDoubt: boolean, hasRoom: boolean): Acceptance
  /** The delivery is about to be sent. */
  cut(delivery: Delivery): void
  /** No answer came: the API may apply the request later. */
  lost(delivery: Delivery): void
  /** Returns true if every lost request of its code was over, applied or not, when this delivery was cut. */
  isCertain(delivery: Delivery): boolean
  /** Returns true if a request of its code was lost, whichever row it carried, and was not over when this delivery was cut. */
  followsLost(delivery: Delivery): boolean
  /** Returns true if a lost request of a code may still be applied. */
  isLost(code: PatientCode): boolean
  /** Returns true if no lost request of a code can be applied any more. */
  isOver(code: PatientCode): boolean
  /**
   * A row record without a fingerprint was loaded, which names these codes: an earlier process may have sent them without an answer.
   * @returns true if such a request may still be applied.
   */
  intentFound(codes: readonly PatientCode[]): boolean
  /** Returns true if a code may be sent again already. */
  mayRepeat(code: PatientCode): boolean
}

export interface SchedulerOptions extends StepPolicy {
  readonly confirming: Confirming
  /** Called for each version that is settled, in order. */
  readonly onSettled: (outcome: Settled, version: Version, rejection: DeadLetterReason | null) => void
  /** Called when the API refuses to unsubscribe a former code of a row, whose version is sent all the same. */
  readonly onEndRefused: (rejection: DeadLetterReason) => void
}

/** Puts each row where it waits for its next step, and settles what needs no request. */
export class EntryScheduler {
  readonly entries: Entries
  readonly queues: Queues
  readonly #options: SchedulerOptions
  /** Rule 9: true until the stream has passed the earlier run's horizon. Nothing is sent or read until then. */
  isSendingHeld: boolean
  /** Commit LSN of the transaction that is still arriving; null if there is none. */
  openCommitLsn: Lsn | null = null
  /** Counter that grows with each change after which something that could not be sent may be sent. */
  changes = 0

  constructor(entries: Entries, queues: Queues, options: SchedulerOptions & { readonly isSendingHeld: boolean }) {
    this.entries = entries
    this.queues = queues
    this.isSendingHeld = options.isSendingHeld
    this.#options = options
  }

  get confirming(): Confirming {
    return this.#options.confirming
  }

  /**
   * Returns what is to be done next with a row. A row that the API has already is not settled while another row's version of the same
   * code is in flight, or is older and may leave yet: that one would replace it. It waits its turn, and is compared then.
   */
  nextStep(entry: Entry, compares = true): Step {
    const step = nextStep(entry, this.#options, compares)
    const content = entry.waiting?.content
    if (step.kind !== 'settle' || step.outcome !== 'unchanged' || content?.kind !== 'patient') return step
    const { patient } = content
    const { code } = patient
    const isInFlight = this.queues.isInFlight(code)
    if (isInFlight) entry.doubt()
    if (!isInFlight && !this.queues.hasEarlier(code, entry)) return step
    return { kind: 'send', purpose: 'upsert', code, patient }
  }

  /**
   * Moves an entry to the place of its next step, settles what needs no request, and forgets an entry that is done.
   * @param compares true to compare the row with what the API has. A row that waits to be sent is compared when its turn comes
   * (`Batches`): a comparison costs as much as the rest of a change, and a row may change often before its turn.
   */
  schedule(entry: Entry, compares = !this.queues.hasTurn(entry)): void {
    this.changes++
    while (entry.waiting && !entry.inFlight) {
      if (this.isSendingHeld) {
        this.queues.place(entry, entry.stored === undefined ? 'look up' : 'send')
        return
      }
      const step = this.nextStep(entry, compares)
      const place = this.#waitsForCommit(entry.waiting, step) ? 'commit' : placeOf(step)
      if (place !== null) {
        this.queues.place(entry, place)
        return
      }
      if (step.kind === 'settle') {
        const isEnded = (code: PatientCode) => this.#isEnded(entry, code)
        this.settle(entry, entry.waiting, step.outcome, unsentRow(entry, step.outcome, isEnded))
      } else if (step.kind === 'forget old code') {
        entry.end(null)
        this.codeUnsubscribed(entry, step.code, step.isLeft)
      } else if (step.kind === 'reject old code') this.endRefused(entry, step.code, cannotBeUnsubscribed)
    }
    this.queues.place(entry, null)
    this.entries.forgetIfDone(entry)
  }

  /**
   * Rule 18h: returns true if no lost request can subscribe a code of a removed row any more, and none has: its patient was looked up, or
   * is never unsubscribed.
   */
  #isEnded({ removal }: Entry, code: PatientCode): boolean {
    const isLookedUp = removal?.kind === 'ended' && removal.code === code
    return this.confirming.isOver(code) && (isLookedUp || this.#options.onDelete === 'ignore')
  }

  /** A part of a transaction must not be acted upon: the rest may give a code to another row, or bring a deleted row back. */
  #waitsForCommit({ position }: Version, step: Step): boolean {
    if (this.openCommitLsn === null || position?.commitLsn !== this.openCommitLsn) return false
    return step.kind !== 'look up' && (step.kind !== 'settle' || step.outcome === 'dead letter')
  }

  /** Ends the waiting version. @param row record that the store is to have, null if it has it already. */
  settle(entry: Entry, version: Version, outcome: Settled, row: StoredRow | null): void {
    this.entries.settle(entry, version, row)
    this.#settled(entry, outcome, version)
    if (row) this.#outdateEnds(entry, row)
  }

  /** Ends the version in flight. */
  clearInFlight(entry: Entry, version: Version, outcome: Settled, row: StoredRow | null): void {
    this.entries.clearInFlight(entry, version, row)
    this.#settled(entry, outcome, version)
    if (row) this.#outdateEnds(entry, row)
  }

  #settled(entry: Entry, outcome: Settled, version: Version): void {
    const letter = outcome === 'dead letter' ? entry.stored?.deadLetter : null
    this.#options.onSettled(outcome, version, letter && letter !== 'kept' ? letter.reason : null)
  }

  /**
   * A row is settled with a code, and may be forgotten: results that were found for other rows, to unsubscribe the code with, are
   * out of date. A new query learns from the store, or from the rows to be stored, that the code is in use.
   */
  #outdateEnds(holder: Entry, row: StoredRow): void {
    for (const code of codesOwnedBy(row)) {
      for (const other of this.queues.sharing(code, holder)) {
        if (other.resolving === code) this.stopResolving(other)
        if (other.removal?.kind !== 'send' || other.removal.code !== code) continue
        other.end(null)
        if (!other.inFlight) this.schedule(other)
      }
    }
  }

  /** A former code of the row was unsubscribed, or is left to another row. */
  codeUnsubscribed(entry: Entry, code: PatientCode, isLeft: boolean): void {
    entry.forgetCode(code)
    const row = afterUnsubscription(entry, code, isLeft)
    if (row) this.entries.store(entry, row)
  }

  /** The API refuses to unsubscribe a former code of the row: a dead letter of that code. The row goes on. */
  endRefused(entry: Entry, code: PatientCode, letter: DeadLetter): void {
    entry.end(null)
    entry.refuse(code)
    this.entries.store(entry, withRefusedCode(entry, code, letter))
    this.#options.onEndRefused(letter.reason)
  }

  /** Stops resolving a code of the row, so that it can be resolved again. */
  stopResolving(entry: Entry): void {
    entry.stopResolving()
    this.changes++
  }

  /** Reads and sends a row again, unless a version waits or, after an upsert, is in flight: that does not unsubscribe another code. */
  readAgain(entry: Entry, delivery: Delivery): void {
    if (!entry.inFlight || delivery.purpose !== 'upsert') this.waitForRead(entry, delivery)
    this.schedule(entry)
  }

  /** Has a row wait for a read after a delivery, unless a version waits. */
  waitForRead(entry: Entry, { version: sent, purpose, code }: Delivery): void {
    if (entry.waiting) return
    const known = newestKnown(entry)
    this.entries.replace(entry, {
      content: { kind: 'incomplete', code: purpose === 'upsert' ? code : null },
      origin: 'read',
      lane: 'live',
      committedAtMs: sent.committedAtMs,
      bytes: 0,
      read: null,
      position: known?.position ?? null,
      xid: known?.xid ?? null,
      debt: null,
      backfillDebt: null,
    })
  }

  /**
   * Has the content of every version that waits read from the table again: the row may be gone without a change of its own. One in flight
   * is read again if it has to be sent again, or once it is accepted.
   */
  readWaiting(): void {
    for (const entry of this.entries.all()) {
      if (entry.inFlight) entry.outdate()
      if (this.entries.readAgain(entry)) this.schedule(entry)
    }
  }

  /** Returns the codes other than a given one that a row must still unsubscribe. */
  codesToUnsubscribe(entry: Entry, code: PatientCode): readonly PatientCode[] {
    return this.#options.onDelete === 'unsubscribe' ? codesToEnd(entry, code) : []
  }

  /** Leaves a code to another row that has it: it is not unsubscribed any more. */
  leave(entry: Entry, code: PatientCode): void {
    entry.end({ code, kind: 'left' })
    this.doubtOthers(entry, code)
    this.schedule(entry)
  }

  /** Doubts the rows that may take a code over: mediQuo may have something else of it than the store says. */
  doubtOthers(entry: Entry, code: PatientCode): void {
    const isInDoubt = this.entries.isInDoubt(entry, code)
    // The store may know others that have the code.
    if (isInDoubt) this.entries.take(entry, code)
    for (const other of this.queues.sharing(code, entry)) {
      other.doubt()
      if (isInDoubt) other.doubtAnswer()
      // The other row may be rejected before it is sent, and keep another code: then this one is to be unsubscribed. Stored in the
      // same write as what leaves the code to it (rule 12b): a crash must not lose it.
      other.remember(code)
      if (entry.acceptedCodes.includes(code)) other.mayHave(code)
      const row = withFormerCode(other, code)
      if (row) this.entries.store(other, row)
      // It may have to unsubscribe its codes in another order now.
      if (!other.inFlight) this.schedule(other)
    }
  }

  /** Checks the entries, and that each one that waits is where its next step is done. @throws {Error} */
  assert(): void {
    this.entries.assert()
    for (const entry of this.entries.all()) {
      const { key, state, waiting, inFlight } = entry
      if (!waiting || inFlight) continue
      const step = nextStep(entry, this.#options, false)
      const place = this.isSendingHeld && step.kind !== 'look up' ? 'send' : placeOf(step)
      // A transaction that the stream repeats had arrived whole: its rows need not wait for its commit again.
      const isRight = state === 'commit' ? this.#waitsForCommit(waiting, step) : state === place
      if (!isRight) throw new Error(`entry ${key} waits in ${state}, and its next step is ${step.kind}`)
    }
  }
}

/** Returns where a step is done; null: without waiting. */
function placeOf(step: Step): Place | null {
  if (step.kind === 'settle' || step.kind === 'forget old code' || step.kind === 'reject old code') return null
  return step.kind === 'send' && step.purpose !== 'upsert' ? 'end code' : step.kind
}
