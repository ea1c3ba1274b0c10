import type { EntryScheduler } from './entry-scheduler.ts'

export interface RoomOptions {
  readonly maxRows: number
  readonly maxBytes: number
}

/** Fill of memory: by rows that wait, are in flight or are not yet stored, and by their content. */
export class Room {
  readonly #scheduler: EntryScheduler
  readonly #options: RoomOptions

  constructor(scheduler: EntryScheduler, options: RoomOptions) {
    this.#scheduler = scheduler
    this.#options = options
  }

  /** Fill from 0 to 1; at 1 there is no room until something is delivered and stored. */
  get fill(): number {
    const { maxRows, maxBytes } = this.#options
    const { bytes, unrecorded } = this.#scheduler.entries
    return Math.min(1, Math.max((this.#rows + unrecorded) / maxRows, bytes / maxBytes))
  }

  /** True if rows that could be owed fill more than half of memory. */
  get isHalfFull(): boolean {
    const { maxRows, maxBytes } = this.#options
    return this.#rows > maxRows / 2 || this.#scheduler.entries.bytes > maxBytes / 2
  }

  /**
   * Returns true if content may be read into memory. Memory full of content has no room for more, unless nothing can be sent: the
   * other rows may wait for what a read returns.
   */
  mayTakeContent(sendable: number): boolean {
    const { entries, queues } = this.#scheduler
    return entries.bytes < this.#options.maxBytes || sendable + queues.inFlight === 0
  }

  /** Number of rows that wait or are in flight, except those that wait for the record of a code to unsubscribe. */
  get #rows(): number {
    const { counts, inFlight } = this.#scheduler.queues
    return counts.live + counts.backfill + inFlight - this.#scheduler.queues.size('resolve removal')
  }
}
