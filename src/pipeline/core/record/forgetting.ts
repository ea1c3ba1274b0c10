import type { RowKey } from '../../../model/source/row.ts'
import type { Snapshot, Xid } from '../../../model/source/visibility.ts'
import type { CoreContext } from '../context.ts'
import type { Effect } from '../effects.ts'
import type { Ticket } from '../events.ts'
import { Retried } from '../retried.ts'

export interface ForgettingOptions {
  /** False on a standby, whose snapshots do not tell which transactions they contain. */
  readonly readsTell: boolean
  /** Returns the number of backfill runs that are done. */
  readonly runsDone: () => number
}

/** Number of row records that one statement forgets. */
const forgottenAtOnce = 1_000

/**
 * Has the store forget the records of rows that are gone, once no read can bring such a row back. Else a table that is filled under
 * new keys each night would make the store grow by a table each night.
 */
export class Forgetting {
  readonly #context: CoreContext
  readonly #task: Retried
  #isActive = false
  #dueAtMs = Number.NEGATIVE_INFINITY
  /** Every transaction before it had ended when a snapshot was taken, and no older read is open. */
  #beforeXid: Xid | null = null
  #after: RowKey | null = null

  readonly #options: ForgettingOptions
  #runsDone = 0

  constructor(context: CoreContext, options: ForgettingOptions) {
    this.#context = context
    this.#options = options
    this.#task = new Retried(context.random)
  }

  activate(isActive: boolean): void {
    this.#isActive = isActive
  }

  /** No read is open whose snapshot is older than this one. */
  seen({ xmin }: Pick<Snapshot, 'xmin'>): void {
    if (!this.#options.readsTell) return
    if (this.#beforeXid === null || xmin > this.#beforeXid) this.#beforeXid = xmin
  }

  nextAtMs(nowMs: number): number | null {
    if (!this.#isActive || this.#beforeXid === null) return null
    const retryAtMs = this.#task.nextAtMs(nowMs)
    if (retryAtMs !== null) return retryAtMs
    return !this.#task.isOut && this.#dueAtMs > nowMs ? this.#dueAtMs : null
  }

  effects(nowMs: number, out: Effect[]): void {
    const { tickets } = this.#context
    this.#look()
    if (!this.#isActive || this.#beforeXid === null || nowMs < this.#dueAtMs || !this.#task.mayBegin(nowMs)) return
    const ticket = this.#task.begin(tickets.issue('forget removed rows'))
    const [beforeXid, after, limit] = [this.#beforeXid, this.#after, forgottenAtOnce]
    out.push({ kind: 'forget removed rows', ticket, beforeXid, after, limit })
  }

  /** After a backfill run, which finds rows that are gone, forgets without delay. */
  #look(): void {
    const runsDone = this.#options.runsDone()
    if (runsDone === this.#runsDone) return
    this.#runsDone = runsDone
    this.#dueAtMs = Number.NEGATIVE_INFINITY
    this.#after = null
  }

  /** @param last key of the last record that was forgotten; null: there are no more. */
  forgotten(ticket: Ticket, last: RowKey | null, nowMs: number): boolean {
    if (!this.#task.ends(ticket)) return false
    this.#after = last
    if (last === null) this.#dueAtMs = nowMs + this.#context.intervals.forgetMs
    return true
  }

  failed(ticket: Ticket, nowMs: number): boolean {
    return this.#task.fails(ticket, nowMs)
  }
}
