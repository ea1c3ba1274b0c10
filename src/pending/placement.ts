import type { PatientCode } from '../model/patient.ts'
import type { StoredRow } from '../model/stored-row.ts'
import type { Entries } from './entries.ts'
import { nextStep, type Step, type StepPolicy } from './next-step.ts'
import type { Queues } from './queues.ts'
import { afterRetirement, type Settled, unsentRow } from './settled-row.ts'
import { type Entry, newestKnown, type Parcel, type Version } from './version.ts'

/** Whether what was accepted can be believed, or must be read back. */
export interface Confirming {
  /** @param inDoubt whether an older request may be applied yet. @returns whether it is to be read back. */
  accepted(parcel: Parcel, inDoubt: boolean): boolean
  /** No answer came: it may be applied yet. */
  lost(parcel: Parcel): void
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
  held: boolean

  constructor(entries: Entries, queues: Queues, options: PlacementOptions & { readonly held: boolean }) {
    this.entries = entries
    this.queues = queues
    this.held = options.held
    this.#options = options
  }

  get confirming(): Confirming {
    return this.#options.confirming
  }

  nextStep(entry: Entry): Step {
    return nextStep(entry, this.#options)
  }

  /** Brings an entry to where its next step is done, settles what needs no request, and forgets what is done with. */
  place(entry: Entry): void {
    while (entry.waiting && !entry.inFlight) {
      if (this.held) {
        this.queues.place(entry, entry.stored === undefined ? 'look up' : 'send')
        return
      }
      const step = this.nextStep(entry)
      if (step.kind === 'settle') {
        this.settle(entry, entry.waiting, step.outcome, unsentRow(entry, step.outcome))
      } else if (step.kind === 'forget old code') {
        entry.removal = null
        this.retired(entry, step.code, step.isLeft)
      } else {
        this.queues.place(entry, step.kind)
        return
      }
    }
    this.queues.place(entry, null)
    this.entries.forgetIfDone(entry)
  }

  /** @param row what the state shall say from now on, null if it says so already. */
  settle(entry: Entry, version: Version, outcome: Settled, row: StoredRow | null): void {
    if (entry.waiting === version) {
      entry.waiting = null
      entry.removal = null
    }
    this.entries.settle(entry, version, row)
    this.#options.onSettled(outcome, version)
  }

  /** A code that the row no longer has was ended, or is left to another row. */
  retired(entry: Entry, code: PatientCode, isLeft: boolean): void {
    entry.formerCodes = entry.formerCodes.filter((former) => former !== code)
    const row = afterRetirement(entry, code, isLeft)
    if (row) this.entries.store(entry, row)
  }

  /** A row is to be read, and sent once more, unless something of it is on its way already: to its present code, which ends no other. */
  readAgain(entry: Entry, { version: sent, purpose }: Parcel): void {
    if (!entry.waiting && (!entry.inFlight || purpose !== 'upsert')) {
      const known = newestKnown(entry)
      this.entries.replace(entry, {
        content: { kind: 'incomplete' },
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
    entry.removal = { code, kind: 'left' }
    this.doubtOthers(entry, code)
    this.place(entry)
  }

  /** Who takes a code over has what mediQuo has of it by then, whatever the state says of an earlier time. */
  doubtOthers(entry: Entry, code: PatientCode): void {
    for (const other of this.queues.sharing(code, entry)) {
      other.inDoubt = true
      // It may be set aside before it is sent, and keep another one: then this one is to be ended.
      if (!other.formerCodes.includes(code)) other.formerCodes = [...other.formerCodes, code]
    }
  }
}
