import type { EntryScheduler } from './entry-scheduler.ts'

export interface RoomBounds {
  readonly rows: number
  readonly bytes: number
}

/** Fill of memory: by rows that wait, are in flight or are not yet stored, and by their content. */
export class Room {
  readonly #scheduler: EntryScheduler
  readonly #bounds: RoomBounds

  constructor(scheduler: EntryScheduler, bounds: RoomBounds) {
    this.#scheduler = scheduler
    this.#bounds = bounds
  }

  /** Fill from 0 to 1; at 1 there is no room until something is delivered and stored. */
  get fill(): number {
    const { bytes, unrecorded } = this.#scheduler.entries
    return Math.min(1, Math.max((this.#rows + unrecorded) / this.#bounds.rows, bytes / this.#bounds.bytes))
  }

  /** True if rows that could be owed fill more than half of memory. */
  get isHalfFull(): boolean {
    const { rows, bytes } = this.#bounds
    return this.#rows > rows / 2 || this.#scheduler.entries.bytes > bytes / 2
  }

  /**
   * Returns true if content may be read into memory. Memory full of content has no room for more, unless nothing can be sent: the
   * other rows may wait for what a read returns.
   */
  mayTakeContent(sendable: number): boolean {
    const { entries, queues } = this.#scheduler
    return entries.bytes < this.#bounds.bytes || sendable + queues.inFlight === 0
  }

  /** Number of rows that wait or are in flight, except those that wait for the record of a code to unsubscribe. */
  get #rows(): number {
    const { counts, inFlight } = this.#scheduler.queues
    return counts.live + counts.backfill + inFlight - this.#scheduler.queues.size('resolve removal')
  }
}
