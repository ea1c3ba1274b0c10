import type { Patient } from '../model/patient.ts'
import type { DeadLetter } from '../model/stored-row.ts'
import type { Placement } from './placement.ts'
import { afterAcceptance, afterRefusal } from './settled-row.ts'
import type { Entry, Parcel } from './version.ts'

/** What an answer to a request means for the rows that it carried: rules 7 and 8. */
export class Answers {
  readonly #placement: Placement
  readonly #fingerprint: (patient: Patient) => string

  constructor(placement: Placement, fingerprint: (patient: Patient) => string) {
    this.#placement = placement
    this.#fingerprint = fingerprint
  }

  /** The API accepted it (rule 8). */
  accepted(parcel: Parcel): void {
    const entry = this.#landed(parcel)
    entry.removal = null
    if (parcel.purpose === 'retire') {
      this.#placement.entries.putBack(entry, parcel.version)
      this.#placement.retired(entry, parcel.code, false)
    } else {
      entry.inDoubt = false
      this.#placement.settle(entry, parcel.version, 'delivered', afterAcceptance(entry, parcel, this.#fingerprint))
    }
    this.#placement.place(entry)
  }

  /** The API refused this row for good (rule 8): a durable dead letter, whose fingerprint is unknown. */
  refused(parcel: Parcel, deadLetter: DeadLetter): void {
    const entry = this.#landed(parcel)
    this.#placement.settle(entry, parcel.version, 'dead letter', afterRefusal(entry, parcel, deadLetter))
    this.#placement.place(entry)
  }

  /** It was certainly not applied (a 429, a refused connection): it waits again, unless a newer version does. */
  returned(parcel: Parcel): void {
    this.#putBack(this.#landed(parcel), parcel)
  }

  /** No answer came: it may have been applied, or be applied later (rule 7). */
  lost(parcel: Parcel): void {
    const entry = this.#landed(parcel)
    entry.inDoubt = true
    this.#putBack(entry, parcel)
  }

  #putBack(entry: Entry, parcel: Parcel): void {
    this.#placement.entries.putBack(entry, parcel.version)
    this.#placement.place(entry)
  }

  /** Ends the exclusivity of a parcel's code and row. */
  #landed(parcel: Parcel): Entry {
    const { entries, queues } = this.#placement
    const entry = entries.find(parcel.key)
    if (entry?.inFlight !== parcel.version || !entry) throw new Error('an answer for a row that is not in flight')
    queues.land(parcel)
    entry.inFlight = null
    return entry
  }
}
