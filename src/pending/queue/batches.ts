import type { PatientCode } from '../../model/patient/patient.ts'
import type { Lane } from '../../model/progress/lane.ts'
import { comparePositions, type Position } from '../../model/source/position.ts'
import type { Entry, Place } from '../entry/entry.ts'
import { intendedRow } from '../entry/settled-row.ts'
import type { Delivery } from '../entry/version.ts'
import type { EntryScheduler } from './entry-scheduler.ts'

/** Size of a batch at which no further row is added, bytes: some thousand times an ordinary row. */
const maxBatchBytes = 4 * 1024 * 1024

/** Order in which rows leave. */
const order: readonly (readonly [Place, Lane])[] = [
  ['send', 'live'],
  ['end code', 'live'],
  ['send', 'backfill'],
  ['end code', 'backfill'],
]

/** Cuts batches of the rows that wait. */
export class Batches {
  readonly #scheduler: EntryScheduler
  #sentTo: Position | null = null

  constructor(scheduler: EntryScheduler) {
    this.#scheduler = scheduler
  }

  /** The newest streamed change of which a version was sent: H. */
  get sentTo(): Position | null {
    return this.#sentTo
  }

  /**
   * Returns the oldest rows, live before backfill, and within a lane upserts before codes to unsubscribe. Each code occurs once,
   * and no code that is in flight. Large rows make the batch shorter.
   */
  take(limit: number): Delivery[] {
    const deliveries: Delivery[] = []
    let bytes = 0
    if (this.#scheduler.isSendingHeld) return deliveries
    for (const [place, lane] of order) {
      for (const entry of this.#scheduler.queues.queue(place, lane)) {
        if (deliveries.length >= limit || bytes >= maxBatchBytes) return deliveries
        const delivery = entry.state === place ? this.#deliveryOf(entry) : null
        if (!delivery) continue
        deliveries.push(delivery)
        bytes += delivery.version.bytes
      }
    }
    return deliveries
  }

  #deliveryOf(entry: Entry): Delivery | null {
    const { queues, entries } = this.#scheduler
    if (!entry.waiting) return null
    const step = this.#scheduler.nextStep(entry)
    // The API has the newest version already: settle it.
    if (step.kind === 'settle') this.#scheduler.schedule(entry, true)
    if (step.kind !== 'send') return null
    const { code, patient, purpose } = step
    if (purpose !== 'upsert') {
      if (queues.isUndecided(code, entry)) return null
      if (queues.isCodeOwnedByOther(code, entry)) {
        this.#scheduler.leave(entry, code)
        return null
      }
    }
    if (queues.isInFlight(code) || queues.hasEarlier(code, entry)) return null
    if (!this.#scheduler.confirming.mayRepeat(code)) return null
    const version = entry.send()
    const delivery: Delivery = { key: entry.key, code, patient, purpose, version }
    // Stored before the request is sent: from then on the store does not say what the API has.
    const intended = intendedRow(entry, code, purpose)
    if (intended) entries.store(entry, intended)
    if (version.read) entries.raiseReadLsn(version.read.endLsn)
    if (version.position && (!this.#sentTo || comparePositions(version.position, this.#sentTo) > 0))
      this.#sentTo = version.position
    this.#scheduler.confirming.cut(delivery)
    queues.markInFlight(delivery)
    this.#scheduler.changes++
    queues.place(entry, null)
    this.#takeFromOthers(code, entry)
    return delivery
  }

  /** Updates the other rows that had a code which a request is about to replace: they must not unsubscribe it, nor trust a fingerprint. */
  #takeFromOthers(code: PatientCode, holder: Entry): void {
    for (const other of this.#scheduler.queues.sharing(code, holder)) {
      other.doubt()
      // A record that was found for the other row is out of date, even if it cannot be sent yet.
      if (other.removal?.code === code) other.end(null)
      if (other.resolving === code) this.#scheduler.stopResolving(other)
      if (other.inFlight) continue
      const step = this.#scheduler.nextStep(other)
      const ends = step.kind === 'resolve removal' || (step.kind === 'send' && step.purpose !== 'upsert')
      if (ends && step.code === code) this.#scheduler.leave(other, code)
      else this.#scheduler.schedule(other)
    }
  }
}
