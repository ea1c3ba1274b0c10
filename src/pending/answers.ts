import type { Patient, PatientCode } from '../model/patient.ts'
import type { DeadLetter } from '../model/stored-row.ts'
import type { Placement } from './placement.ts'
import { afterAcceptance, afterRefusal } from './settled-row.ts'
import type { Entry, Parcel } from './version.ts'

/** What an answer to a request means for the rows that it carried: rules 7 and 8. */
export class Answers {
  readonly #placement: Placement
  readonly #fingerprint: (patient: Patient) => string
  /** The row whose parcel is to be read back, for each code. */
  readonly #expecting = new Map<PatientCode, Entry>()

  constructor(placement: Placement, fingerprint: (patient: Patient) => string) {
    this.#placement = placement
    this.#fingerprint = fingerprint
  }

  /** The API accepted it (rule 8). */
  accepted(parcel: Parcel): void {
    const entry = this.#landed(parcel)
    entry.removal = null
    const { unanswered } = entry
    const isReadBack = this.#placement.confirming.accepted(parcel, unanswered)
    this.#expect(isReadBack ? parcel : null, entry, parcel.code)
    if (parcel.purpose === 'retire') {
      this.#placement.entries.putBack(entry, parcel.version)
      this.#placement.retired(entry, parcel.code, false)
    } else {
      entry.inDoubt = false
      entry.unanswered = false
      // In doubt, the state does not claim to know before it was read back.
      const row = afterAcceptance(entry, parcel, isReadBack && unanswered ? null : this.#fingerprint)
      this.#placement.settle(entry, parcel.version, 'delivered', row)
    }
    this.#placement.place(entry)
  }

  /** It was read back: the API has it. */
  confirmed(parcel: Parcel): void {
    const entry = this.#unconfirmed(parcel)
    if (!entry) return
    const { stored } = entry
    // Unless something newer is on its way by now.
    const isStill = stored && !stored.removed && !stored.deadLetter && stored.code === parcel.code
    if (isStill && !stored.fingerprint && parcel.purpose === 'upsert' && !entry.inFlight && !entry.inDoubt)
      this.#placement.entries.store(entry, { ...stored, fingerprint: this.#fingerprint(parcel.patient) })
    this.#placement.place(entry)
  }

  /** It was read back again and again, and the API has something else: an older request was applied after it. */
  overtaken(parcel: Parcel): void {
    const entry = this.#unconfirmed(parcel)
    if (!entry) return
    entry.inDoubt = true
    entry.unanswered = true
    // The row may have another code by now.
    if (parcel.purpose !== 'upsert' && !entry.formerCodes.includes(parcel.code))
      entry.formerCodes = [...entry.formerCodes, parcel.code]
    this.#placement.readAgain(entry, parcel)
  }

  /** A code waits for one reading back at most: what was accepted last. Its row may have another by then, with one of its own. */
  #expect(parcel: Parcel | null, entry: Entry, code: PatientCode): void {
    const before = this.#expecting.get(code)
    if (before) {
      before.unconfirmed = before.unconfirmed.filter((one) => one.code !== code)
      if (before !== entry) this.#placement.place(before)
    }
    if (parcel) {
      entry.unconfirmed = [...entry.unconfirmed, parcel]
      this.#expecting.set(code, entry)
    } else this.#expecting.delete(code)
  }

  #unconfirmed(parcel: Parcel): Entry | null {
    const entry = this.#placement.entries.find(parcel.key)
    if (!entry?.unconfirmed.includes(parcel)) return null
    entry.unconfirmed = entry.unconfirmed.filter((one) => one !== parcel)
    this.#expecting.delete(parcel.code)
    return entry
  }

  /** The API refused this row for good (rule 8): a durable dead letter, whose fingerprint is unknown. */
  refused(parcel: Parcel, deadLetter: DeadLetter): void {
    const entry = this.#landed(parcel)
    this.#placement.settle(entry, parcel.version, 'dead letter', afterRefusal(entry, parcel, deadLetter))
    this.#placement.place(entry)
  }

  /** It was certainly not applied (a 429, a refused connection): it waits again, unless a newer version does. */
  returned(parcel: Parcel): void {
    const entry = this.#landed(parcel)
    this.#placement.entries.putBack(entry, parcel.version)
    this.#placement.place(entry)
  }

  /** No answer came: it may have been applied, or be applied later (rule 7). */
  lost(parcel: Parcel): void {
    this.doubted(parcel)
    this.returned(parcel)
  }

  /** It may have been applied, and is to be sent again: from now on, though it stays on its way. */
  doubted(parcel: Parcel): void {
    const entry = this.#placement.entries.find(parcel.key)
    if (!entry) return
    this.#placement.confirming.lost(parcel)
    entry.inDoubt = true
    entry.unanswered = true
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
