import type { StoredRow } from '../../../model/progress/stored-row.ts'
import type { RowKey } from '../../../model/source/row.ts'
import type { LookUp } from '../../../pending/entry/entry.ts'
import type { Pending } from '../../../pending/pending.ts'
import type { Effect } from '../effects.ts'
import type { Ticket } from '../events.ts'
import { Retried } from '../retried.ts'
import type { Tickets } from '../tickets.ts'

export const rowsLoadedAtOnce = 1_000

type LoadingPort = Pick<Pending, 'toLookUp' | 'lookedUp' | 'unloaded'>

/** Loads the records of rows that have just arrived from the store. */
export class Loading {
  readonly #pending: LoadingPort
  readonly #tickets: Tickets
  readonly #task: Retried
  #asked: readonly LookUp[] = []

  constructor(pending: LoadingPort, tickets: Tickets, random: () => number) {
    this.#pending = pending
    this.#tickets = tickets
    this.#task = new Retried(random)
  }

  nextAtMs(nowMs: number): number | null {
    return this.#pending.unloaded > 0 ? this.#task.nextAtMs(nowMs) : null
  }

  effects(nowMs: number, out: Effect[]): void {
    if (this.#pending.unloaded === 0 || !this.#task.mayBegin(nowMs)) return
    this.#asked = this.#pending.toLookUp(rowsLoadedAtOnce)
    const ticket = this.#task.begin(this.#tickets.issue('load records'))
    out.push({ kind: 'load records', ticket, keys: this.#asked.map(({ key }) => key) })
  }

  loaded(ticket: Ticket, rows: ReadonlyMap<RowKey, StoredRow>, shared: ReadonlySet<RowKey>): boolean {
    if (!this.#task.ends(ticket)) return false
    for (const row of this.#asked) this.#pending.lookedUp(row, rows.get(row.key) ?? null, shared.has(row.key))
    this.#asked = []
    return true
  }

  failed(ticket: Ticket, nowMs: number): boolean {
    return this.#task.fails(ticket, nowMs)
  }
}
