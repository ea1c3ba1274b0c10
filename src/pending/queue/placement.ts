import type { Acceptance } from '../../model/patient/acceptance.ts'
import type { PatientCode } from '../../model/patient/patient.ts'
import type { StoredRow } from '../../model/progress/stored-row.ts'
import type { Lsn } from '../../model/source/lsn.ts'
import type { Entries } from '../entries.ts'
import type { Entry } from '../entry/entry.ts'
import { newestKnown } from '../entry/entry-facts.ts'
import { nextStep, type Step, type StepPolicy } from '../entry/next-step.ts'
import { afterRetirement, type Settled, unsentRow, withFormerCode } from '../entry/settled-row.ts'
import type { Delivery, Version } from '../entry/version.ts'
import { codesHeldBy } from '../unrecorded-rows.ts'
import type { Queues } from './queues.ts'

/** Whether what was accepted can be believed, or must be read back. */
export interface Confirming {
  /**
   * @param inDoubt whether an older request may be applied later. @param hasRoom whether memory may keep it until then.
   */
  accepted(delivery: Delivery, inDoubt: boolean, hasRoom: boolean): Acceptance
  /** It is about to leave. */
  cut(delivery: Delivery): void
  /** No answer came: it may be applied later. */
  lost(delivery: Delivery): void
  /** Whether every request of its code that was lost was over, applied or not, when this one was cut. */
  isCertain(delivery: Delivery): boolean
  /** Whether no lost request of a code can be applied any more. */
  isOver(code: PatientCode): boolean
  /** Whether a code may be sent again already. */
  mayRepeat(code: PatientCode): boolean
}

export interface PlacementOptions extends StepPolicy {
  readonly confirming: Confirming
  /** Called for each version that is settled, in the order of settling. */
  readonly onSettled: (outcome: Settled, version: Version) => void
}

/** Where each row waits for its next step; what needs no request is settled on the way. */
export class Placement {
  readonly entries: Entries
  readonly queues: Queues
  readonly #options: PlacementOptions
  /** Rule 9: nothing is sent and nothing read until the stream has passed the earlier run's horizon. */
  isHeld: boolean
  /** The transaction that is still arriving; null: none is. */
  openCommitLsn: Lsn | null = null
  /** Grows with each change after which something that could not leave may leave. */
  changes = 0

  constructor(entries: Entries, queues: Queues, options: PlacementOptions & { readonly isHeld: boolean }) {
    this.entries = entries
    this.queues = queues
    this.isHeld = options.isHeld
    this.#options = options
  }

  readonly #isOver = (code: PatientCode): boolean => this.confirming.isOver(code)

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
   * Brings an entry to where its next step is done, settles what needs no request, and forgets what is done with.
   * @param compares whether to compare the row with what the API has. A row that waits to be sent is compared when its turn comes
   * (`Batches`): a comparison costs as much as the rest of a change, and a row may change often before its turn.
   */
  place(entry: Entry, compares = !this.queues.hasTurn(entry)): void {
    this.changes++
    while (entry.waiting && !entry.inFlight) {
      if (this.isHeld) {
        this.queues.place(entry, entry.stored === undefined ? 'look up' : 'send')
        return
      }
      const step = this.nextStep(entry, compares)
      if (this.#waitsForCommit(entry.waiting, step)) {
        this.queues.place(entry, 'commit')
        return
      }
      if (step.kind === 'settle') {
        this.settle(entry, entry.waiting, step.outcome, unsentRow(entry, step.outcome, this.#isOver))
      } else if (step.kind === 'forget old code') {
        entry.end(null)
        this.retired(entry, step.code, step.isLeft)
      } else {
        this.queues.place(entry, step.kind === 'send' && step.purpose !== 'upsert' ? 'end code' : step.kind)
        return
      }
    }
    this.queues.place(entry, null)
    this.entries.forgetIfDone(entry)
  }

  /** Half of a transaction is not acted upon: its other half may give a code to another row, or bring a deleted row back. */
  #waitsForCommit({ position }: Version, step: Step): boolean {
    if (this.openCommitLsn === null || position?.commitLsn !== this.openCommitLsn) return false
    return step.kind !== 'look up' && (step.kind !== 'settle' || step.outcome === 'dead letter')
  }

  /** The waiting version is done with. @param row what the store shall say from now on, null if it says so already. */
  settle(entry: Entry, version: Version, outcome: Settled, row: StoredRow | null): void {
    this.entries.settle(entry, version, row)
    this.#options.onSettled(outcome, version)
    if (row) this.#outdateEnds(entry, row)
  }

  /** The version in flight is done with. */
  land(entry: Entry, version: Version, outcome: Settled, row: StoredRow | null): void {
    this.entries.land(entry, version, row)
    this.#options.onSettled(outcome, version)
    if (row) this.#outdateEnds(entry, row)
  }

  /**
   * A row is settled with a code, and may be forgotten: what was found for another row, to end the code with, is out of date. Who
   * asks again learns from the store, or from what is to be stored, that the code is held.
   */
  #outdateEnds(holder: Entry, row: StoredRow): void {
    for (const code of codesHeldBy(row)) {
      for (const other of this.queues.sharing(code, holder)) {
        if (other.resolving === code) this.stopResolving(other)
        if (other.removal?.kind !== 'send' || other.removal.code !== code) continue
        other.end(null)
        if (!other.inFlight) this.place(other)
      }
    }
  }

  /** A code that the row no longer has was ended, or is left to another row. */
  retired(entry: Entry, code: PatientCode, isLeft: boolean): void {
    entry.forgetCode(code)
    const row = afterRetirement(entry, code, isLeft)
    if (row) this.entries.store(entry, row)
  }

  /** How to end a code of the row is not being looked for any more: it may be looked for again. */
  stopResolving(entry: Entry): void {
    entry.stopResolving()
    this.changes++
  }

  /** A row is to be read, and sent once more, unless something of it is on its way already: to its present code, which ends no other. */
  readAgain(entry: Entry, { version: sent, purpose, code }: Delivery): void {
    if (!entry.waiting && (!entry.inFlight || purpose !== 'upsert')) {
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
        claim: null,
      })
    }
    this.place(entry)
  }

  /** The code is to be ended no more: another row has it. */
  leave(entry: Entry, code: PatientCode): void {
    entry.end({ code, kind: 'left' })
    this.doubtOthers(entry, code)
    this.place(entry)
  }

  /** Who takes a code over has what mediQuo has of it by then, whatever the store says of an earlier time. */
  doubtOthers(entry: Entry, code: PatientCode): void {
    for (const other of this.queues.sharing(code, entry)) {
      other.doubt()
      // It may be rejected before it is sent, and keep another one: then this one is to be ended. Stored in the same write as what
      // leaves the code to it (MERGE rule 12b): a crash must not forget it.
      other.remember(code)
      const row = withFormerCode(other, code)
      if (row) this.entries.store(other, row)
    }
  }
}
