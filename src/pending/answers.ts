import type { Patient, PatientCode } from '../model/patient/patient.ts'
import { type DeadLetter, isToConfirm, type Owed, type StoredRow } from '../model/progress/stored-row.ts'
import type { Entry } from './entry/entry.ts'
import { codesReadBack } from './entry/entry-facts.ts'
import {
  afterAcceptance,
  afterReadBack,
  afterRefusal,
  owedAgain,
  toSendAgain,
  withAcceptedCodes,
} from './entry/settled-row.ts'
import type { Delivery, Version } from './entry/version.ts'
import type { EntryScheduler } from './queue/entry-scheduler.ts'

export interface AnswersOptions {
  readonly fingerprint: (patient: Patient) => string
  /** Bytes that deliveries to be read back may occupy. */
  readonly maxReadBackBytes: number
  /** Time after an acceptance in doubt by which every older request has been applied, milliseconds. */
  readonly confirmDelayMs: number
}

/** Applies the answer to a request to the rows that it carried: rules 7 and 8. */
export class Answers {
  readonly #scheduler: EntryScheduler
  readonly #options: AnswersOptions
  /** The row whose delivery is to be read back, for each code. */
  readonly #expecting = new Map<PatientCode, Entry>()
  #readBackBytes = 0

  constructor(scheduler: EntryScheduler, options: AnswersOptions) {
    this.#scheduler = scheduler
    this.#options = options
  }

  /** Number of deliveries that are to be read back. */
  get readBacks(): number {
    return this.#expecting.size
  }

  /** The API accepted the delivery (rule 8). */
  accepted(delivery: Delivery): void {
    const { entry, version } = this.#answered(delivery)
    entry.end(null)
    entry.mayHave(delivery.code)
    // Another row's request with this code may have been lost: it would replace what was accepted now.
    const unanswered = entry.unanswered || this.#scheduler.confirming.followsLost(delivery)
    const hasRoom = this.#readBackBytes + version.bytes <= this.#options.maxReadBackBytes
    const acceptance = this.#scheduler.confirming.accepted(delivery, unanswered, hasRoom)
    this.#expect(acceptance === 'read back' ? delivery : null, entry, delivery.code)
    if (delivery.purpose === 'unsubscribe code') {
      this.#scheduler.entries.putBack(entry, version)
      // It cannot be read back: keep the code, and check it again before it counts as unsubscribed.
      if (acceptance === 'no room' || acceptance === 'repeated, no room') entry.remember(delivery.code)
      else this.#scheduler.codeUnsubscribed(entry, delivery.code, false)
    } else {
      // Rule 18f: while an older request may be applied later, the store does not say what the API has. The row is sent again
      // unless it is read back before.
      const mayBeReplaced = unanswered && !this.#scheduler.confirming.isCertain(delivery)
      const isDoubtful = mayBeReplaced || acceptance === 'repeated, no room'
      if (isDoubtful) entry.accept()
      else entry.believe()
      // Codes that were left to the row while it was in flight, or that it had in between: the row is read again for them.
      const others = this.#scheduler.codesToUnsubscribe(entry, delivery.code)
      const rest = others.length > 0 ? toUnsubscribe : entry.isOutdated ? toSendAgain : null
      const owed = isDoubtful ? this.#owed(delivery) : rest
      const row = afterAcceptance(entry, delivery, owed ? null : this.#options.fingerprint, owed, others)
      if (others.length > 0) this.#scheduler.waitForRead(entry, delivery)
      this.#scheduler.clearInFlight(entry, version, 'delivered', row)
      if (rest === toSendAgain) this.#scheduler.entries.noteOwed(entry)
    }
    this.#scheduler.schedule(entry)
  }

  #owed({ code, purpose }: Delivery): Owed {
    const nextCode = purpose === 'upsert' ? code : null
    return { reason: 'confirm', nextCode, delayMs: this.#options.confirmDelayMs }
  }

  /** The delivery was read back when no older request could be applied any more: the API has it. */
  confirmed(delivery: Delivery): void {
    const entry = this.#unconfirmed(delivery)
    if (!entry) return
    const row = delivery.purpose === 'upsert' ? null : afterReadBack(entry, delivery.code)
    if (row) this.#scheduler.entries.store(entry, row)
    const { stored } = entry
    // Skip this if something newer is in flight, or the row is in doubt by now.
    // A dead letter may be of a former code alone.
    const isRejected = stored?.deadLetter && entry.refusedCodes.length === 0
    // Another code of the row keeps it owed (rule 18d).
    const hasOthers =
      codesReadBack(entry).length > 0 || this.#scheduler.codesToUnsubscribe(entry, delivery.code).length > 0
    const isStill = stored && !isRejected && stored.code === delivery.code && !hasOthers
    if (isStill && !entry.inFlight && !entry.inDoubt) {
      entry.believe()
      const isUpsert = delivery.purpose === 'upsert' && !stored.removed
      const fingerprint = isUpsert ? this.#options.fingerprint(delivery.patient) : stored.fingerprint
      const owed = isToConfirm(stored.owed) ? null : stored.owed
      if (fingerprint !== stored.fingerprint || owed !== stored.owed)
        this.#scheduler.entries.store(entry, { ...stored, fingerprint, owed })
    }
    this.#scheduler.schedule(entry)
  }

  /** The delivery was read back repeatedly, and the API has something else: an older request was applied after it. */
  overtaken(delivery: Delivery): void {
    const entry = this.#unconfirmed(delivery)
    if (!entry) return
    entry.doubtAnswer()
    // Durable before it is read: a kill must not forget that the API has something else.
    const row = owedAgain(entry)
    if (row) this.#scheduler.entries.store(entry, row)
    // The row may have another code by now.
    if (delivery.purpose !== 'upsert') entry.remember(delivery.code)
    this.#scheduler.readAgain(entry, delivery)
  }

  /**
   * Keeps at most one delivery per code to be read back: the last accepted one. The row of the earlier one may have another code by
   * then.
   */
  #expect(delivery: Delivery | null, entry: Entry, code: PatientCode): void {
    const earlier = this.#expecting.get(code)
    if (earlier) {
      for (const one of earlier.unconfirmed.filter((other) => other.code === code)) this.#unwatch(earlier, one)
      if (earlier !== entry) this.#scheduler.schedule(earlier)
    }
    if (!delivery) return
    this.#scheduler.entries.watch(entry, delivery)
    this.#readBackBytes += delivery.version.bytes
    this.#expecting.set(code, entry)
  }

  #unwatch(entry: Entry, delivery: Delivery): void {
    this.#scheduler.entries.unwatch(entry, delivery)
    this.#readBackBytes -= delivery.version.bytes
    this.#expecting.delete(delivery.code)
  }

  #unconfirmed(delivery: Delivery): Entry | null {
    const entry = this.#scheduler.entries.find(delivery.key)
    if (!entry?.unconfirmed.includes(delivery)) return null
    this.#unwatch(entry, delivery)
    return entry
  }

  /**
   * The API refused this row permanently (rule 8): a durable dead letter. The fingerprint is unknown. If it refused to unsubscribe a
   * former code, the dead letter is of that code, and the row's own version is sent.
   */
  refused(delivery: Delivery, deadLetter: DeadLetter): void {
    const { entry, version } = this.#answered(delivery)
    const isFormerCode = delivery.purpose === 'unsubscribe code'
    if (isFormerCode) {
      this.#scheduler.entries.putBack(entry, version)
      this.#scheduler.endRefused(entry, delivery.code, deadLetter)
      this.#scheduler.schedule(entry)
      return
    }
    const row = afterRefusal(entry, delivery, deadLetter)
    // Only an upsert: all codes that the row had before it were unsubscribed. One that is refused must not be tried again and again.
    const isUpsert = delivery.purpose === 'upsert' && row.code !== null
    const others = isUpsert
      ? this.#scheduler.codesToUnsubscribe(entry, row.code).filter((code) => code !== delivery.code)
      : []
    const left = others.length > 0 ? withOthers(row, others) : row
    entry.forgetRefusals()
    if (others.length > 0) this.#scheduler.waitForRead(entry, delivery)
    this.#scheduler.clearInFlight(entry, version, 'dead letter', left)
    this.#scheduler.schedule(entry)
  }

  /** The delivery was certainly not applied (a 429, a refused connection): it waits again, unless a newer version waits. */
  returned(delivery: Delivery): void {
    const { entry, version } = this.#answered(delivery)
    this.#scheduler.entries.putBack(entry, version)
    this.#scheduler.schedule(entry)
  }

  /** No answer came: the delivery may have been applied, or may be applied later (rule 7). */
  lost(delivery: Delivery): void {
    this.doubted(delivery)
    this.returned(delivery)
  }

  /** The delivery may have been applied and is to be sent again. It is in doubt from now on, though it stays in flight. */
  doubted(delivery: Delivery): void {
    const entry = this.#scheduler.entries.find(delivery.key)
    if (!entry) return
    this.#scheduler.confirming.lost(delivery)
    entry.doubtAnswer()
  }

  /**
   * The answer was a success, though not a documented one, and the delivery is to be read back. From now on mediQuo may have the code, whether
   * it shows it or not (rule 20): this is stored, for a process that ends before the row is read back.
   */
  succeeded({ key, code }: Delivery): void {
    const entry = this.#scheduler.entries.find(key)
    if (!entry) return
    entry.mayHave(code)
    const row = withAcceptedCodes(entry)
    if (row) this.#scheduler.entries.store(entry, row)
  }

  /** Returns the row of a delivery that is answered. Its code is no longer in flight. */
  #answered(delivery: Delivery): { readonly entry: Entry; readonly version: Version } {
    const { entries, queues } = this.#scheduler
    const entry = entries.find(delivery.key)
    if (!entry || entry.inFlight !== delivery.version) throw new Error('an answer for a row that is not in flight')
    queues.clearInFlight(delivery)
    return { entry, version: delivery.version }
  }
}

function withOthers(row: StoredRow, others: readonly PatientCode[]): StoredRow {
  return { ...row, formerCodes: [...row.formerCodes, ...others], owed: toUnsubscribe }
}

const toUnsubscribe: Owed = { reason: 'end', nextCode: null, delayMs: 0 }
