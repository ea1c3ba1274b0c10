import type { Pending } from '../../../pending/pending.ts'

export interface GatheringOptions {
  readonly pending: Pick<Pending, 'sendable' | 'endsReady'>
  readonly backfilling: { readonly isFeeding: boolean }
  readonly unsubscribing: { readonly underWay: number }
  readonly batchSize: number
}

/** How long few ready ends of codes wait for others, so that one request carries many of them, milliseconds. */
const gatherMs = 2_000

/** Says how many rows are worth a request now. A live change always is. */
export class Gathering {
  readonly #options: GatheringOptions
  /** Since when ends of codes have been ready; null: none is. */
  #sinceMs: number | null = null

  constructor(options: GatheringOptions) {
    this.#options = options
  }

  /** Looks whether ends of codes are ready by now. */
  look(nowMs: number): void {
    if (this.#options.pending.endsReady === 0) this.#sinceMs = null
    else this.#sinceMs ??= nowMs
  }

  /** Ends of codes alone wait for each other; rows of the backfill leave in full batches while more of them are on their way. */
  sendable(nowMs: number): number {
    const { pending, backfilling, unsubscribing, batchSize } = this.#options
    const { live, backfill } = pending.sendable
    const ends = pending.endsReady
    const isGathering = unsubscribing.underWay > 0 && ends < batchSize && this.nextAtMs(nowMs) !== null
    if (live + backfill === ends && isGathering) return 0
    return live === 0 && backfill < batchSize && backfilling.isFeeding ? 0 : live + backfill
  }

  nextAtMs(nowMs: number): number | null {
    const atMs = this.#sinceMs === null ? null : this.#sinceMs + gatherMs
    return atMs !== null && atMs > nowMs ? atMs : null
  }
}
