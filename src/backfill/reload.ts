import { type BackfillRunReason, reloadReasons } from '../model/progress/backfill-run.ts'

export interface ReloadIntervals {
  /** Time without an inserted row after which an emptied table counts as filled again. */
  readonly quietMs: number
  /** Maximum time that rows which keep coming delay a backfill run. */
  readonly maxMs: number
  /** Time after which a table that was found empty is looked at again. */
  readonly emptyMs: number
}

/**
 * Tells whether rows that are gone may be looked for. A table that was emptied is often filled again by transactions that follow: a
 * run in between would take for gone what is about to come, and unsubscribe it. Pure: time is an argument.
 */
export class Reload {
  readonly #intervals: ReloadIntervals
  /** Time at which the table was emptied, or had its first row again; null if it is not being filled. */
  #sinceMs: number | null = null
  #insertedAtMs = 0
  /** Time at which an empty table is looked at again; null if it was not found empty. */
  #emptyUntilMs: number | null = null

  constructor(intervals: ReloadIntervals) {
    this.#intervals = intervals
  }

  /** The table was emptied. */
  truncated(nowMs: number): void {
    this.#sinceMs = nowMs
    this.#insertedAtMs = nowMs
  }

  /** The stream brought a new row. */
  inserted(nowMs: number): void {
    if (this.#emptyUntilMs !== null) this.#sinceMs = nowMs
    this.#emptyUntilMs = null
    this.#insertedAtMs = nowMs
  }

  /** A backfill run found no row. */
  foundEmpty(nowMs: number): void {
    this.#sinceMs = null
    this.#emptyUntilMs = nowMs + this.#intervals.emptyMs
  }

  /** Returns the reasons of the backfill runs that must not begin now. */
  postponed(nowMs: number): readonly BackfillRunReason[] {
    return nowMs < this.#untilMs ? reloadReasons : none
  }

  get #untilMs(): number {
    const { quietMs, maxMs } = this.#intervals
    if (this.#emptyUntilMs !== null) return this.#emptyUntilMs
    if (this.#sinceMs === null) return Number.NEGATIVE_INFINITY
    return Math.min(this.#insertedAtMs + quietMs, this.#sinceMs + maxMs)
  }
}

const none: readonly BackfillRunReason[] = []
