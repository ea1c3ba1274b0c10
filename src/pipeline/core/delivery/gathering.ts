import type { Pending } from '../../../pending/pending.ts'
import type { CoreContext } from '../context.ts'

export interface GatheringOptions {
  readonly context: Pick<CoreContext, 'intervals'>
  readonly pending: Pick<Pending, 'sendable' | 'unsubscriptionsReady'>
  readonly backfilling: { readonly isFeeding: boolean }
  readonly unsubscribing: { readonly underWay: number }
  readonly batchSize: number
}

/** Decides how many rows are worth a request now. A live change always is. */
export class Gathering {
  readonly #options: GatheringOptions
  /** Time since which codes have been ready to be unsubscribed; null if none is. */
  #sinceMs: number | null = null

  constructor(options: GatheringOptions) {
    this.#options = options
  }

  /** Checks whether codes are ready to be unsubscribed. */
  look(nowMs: number): void {
    if (this.#options.pending.unsubscriptionsReady === 0) this.#sinceMs = null
    else this.#sinceMs ??= nowMs
  }

  /**
   * Returns the rows worth a request. Codes to unsubscribe wait for each other; backfill rows leave in full batches while more are
   * coming.
   */
  sendable(nowMs: number): number {
    const { pending, backfilling, unsubscribing, batchSize } = this.#options
    const { live, backfill } = pending.sendable
    const ends = pending.unsubscriptionsReady
    const isGathering = unsubscribing.underWay > 0 && ends < batchSize && this.nextAtMs(nowMs) !== null
    if (live + backfill === ends && isGathering) return 0
    return live === 0 && backfill < batchSize && backfilling.isFeeding ? 0 : live + backfill
  }

  nextAtMs(nowMs: number): number | null {
    const atMs = this.#sinceMs === null ? null : this.#sinceMs + this.#options.context.intervals.gatherMs
    return atMs !== null && atMs > nowMs ? atMs : null
  }
}
