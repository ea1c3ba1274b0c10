import { lanes } from '../model/lane.ts'
import type { PatientCode } from '../model/patient.ts'
import type { Placement } from './placement.ts'
import type { Reads } from './reads.ts'
import { intendedRow } from './settled-row.ts'
import type { Entry, Parcel } from './version.ts'

/** What the rows of a batch may occupy before no other is added, bytes: some thousand times an ordinary row. */
const mostBytes = 4 * 1024 * 1024

/** Cuts batches from what waits. */
export class Batches {
  readonly #placement: Placement
  readonly #reads: Reads

  constructor(placement: Placement, reads: Reads) {
    this.#placement = placement
    this.#reads = reads
  }

  /** The oldest rows, live before backfill, each code once, and none whose code is in flight: fewer if they are large. */
  take(limit: number): Parcel[] {
    const parcels: Parcel[] = []
    let bytes = 0
    if (this.#placement.held) return parcels
    for (const lane of lanes) {
      for (const entry of this.#placement.queues.queue('send', lane)) {
        if (parcels.length >= limit || bytes >= mostBytes) return parcels
        const parcel = this.#parcelOf(entry)
        if (!parcel) continue
        parcels.push(parcel)
        bytes += parcel.version.bytes
      }
    }
    return parcels
  }

  #parcelOf(entry: Entry): Parcel | null {
    const { queues, entries } = this.#placement
    const version = entry.waiting
    if (!version) return null
    const step = this.#placement.nextStep(entry)
    if (step.kind !== 'send') return null
    const { code, patient, purpose } = step
    if (purpose !== 'upsert') {
      if (queues.isUndecided(code, entry)) return null
      if (queues.isClaimed(code, entry)) {
        this.#placement.leave(entry, code)
        return null
      }
    }
    if (queues.isInFlight(code) || queues.hasEarlier(code, entry) || this.#reads.isOutdated(code, entry)) return null
    if (!this.#placement.confirming.mayRepeat(code)) return null
    const parcel: Parcel = { key: entry.key, code, patient, purpose, version }
    entry.inFlight = version
    entry.waiting = null
    entry.resolving = null
    // Stored before the request leaves: whatever happens then, the state does not claim to know what the API has.
    const intended = intendedRow(entry, code, purpose)
    if (intended) entries.store(entry, intended)
    queues.depart(parcel)
    queues.place(entry, null)
    this.#takeFromOthers(code, entry)
    return parcel
  }

  /** A request is about to replace what mediQuo has of a code: other rows that had it must neither end it nor trust a fingerprint. */
  #takeFromOthers(code: PatientCode, holder: Entry): void {
    for (const other of this.#placement.queues.sharing(code, holder)) {
      other.inDoubt = true
      // A record that was found for it is out of date, even if it cannot be sent yet.
      if (other.removal?.code === code) other.removal = null
      if (other.resolving === code) other.resolving = null
      if (other.inFlight) continue
      const step = this.#placement.nextStep(other)
      const ends = step.kind === 'resolve removal' || (step.kind === 'send' && step.purpose !== 'upsert')
      if (ends && step.code === code) this.#placement.leave(other, code)
    }
  }
}
