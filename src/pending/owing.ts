import type { Entry, Place } from './entry/entry.ts'
import { owedRow } from './entry/settled-row.ts'
import type { EntryScheduler } from './queue/entry-scheduler.ts'

/**
 * Frees memory by durable notes. A waiting row is settled by the note that it is owed. It is forgotten once the note is stored, and
 * read from the table later (rule 18).
 */
export class Owing {
  readonly #scheduler: EntryScheduler

  constructor(scheduler: EntryScheduler) {
    this.#scheduler = scheduler
  }

  /** Owes rows of a place, the oldest first, while `more` returns true. @returns their number. */
  owe(place: Place, more: () => boolean): number {
    let owed = 0
    for (const entry of this.#scheduler.queues.first(place, Number.POSITIVE_INFINITY)) {
      if (!more()) break
      if (this.oweRow(entry, 0)) owed++
    }
    return owed
  }

  /**
   * Owes rows that wait for the record of a code to unsubscribe, while `more` returns true. One whose record may be looked for
   * stays: it frees memory by itself.
   */
  oweEnds(mayResolve: (entry: Entry) => boolean, more: () => boolean): number {
    let owed = 0
    let kept = false
    for (const entry of this.#scheduler.queues.first('resolve removal', Number.POSITIVE_INFINITY)) {
      if (!more()) break
      if (!kept && (entry.resolving !== null || mayResolve(entry))) kept = true
      else if (this.oweRow(entry, 0)) owed++
    }
    return owed
  }

  /** Owes the rows of a place except the first ones. @returns their number. */
  oweBeyond(place: Place, kept: number): number {
    const beyond = this.#scheduler.queues.first(place, Number.POSITIVE_INFINITY).slice(kept)
    return beyond.filter((entry) => this.oweRow(entry, 0)).length
  }

  /**
   * @param soughtForMs time for which the patient of the code to unsubscribe was looked for in vain; null: it was not; undefined: as before.
   * @returns false if the row cannot be owed: it is in flight, its record is not loaded, or its code is just being ended.
   */
  oweRow(entry: Entry, delayMs: number, soughtForMs?: number | null): boolean {
    const version = entry.waiting
    if (!version || entry.inFlight || entry.stored === undefined || entry.resolving !== null) return false
    const reason = this.#endsCode(entry) ? 'end' : 'content'
    this.#scheduler.settle(entry, version, 'owed', owedRow(entry, version, { reason, delayMs, soughtForMs }))
    // A read-back from now on is of an older version than what is owed: it confirms nothing.
    entry.doubt()
    this.#scheduler.schedule(entry)
    return true
  }

  /** Returns true if a code must be unsubscribed before anything else of the row is sent. */
  #endsCode(entry: Entry): boolean {
    const step = this.#scheduler.nextStep(entry)
    return step.kind === 'resolve removal' || (step.kind === 'send' && step.purpose !== 'upsert')
  }
}
