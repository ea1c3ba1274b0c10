import type { Effect } from './effects.ts'
import type { Ticket } from './events.ts'

/** The effects handed out and not answered. */
export class Tickets {
  readonly #out = new Map<Ticket, Effect['kind']>()
  #last: Ticket = 0

  get outstanding(): number {
    return this.#out.size
  }

  issue(kind: Effect['kind']): Ticket {
    this.#last++
    this.#out.set(this.#last, kind)
    return this.#last
  }

  /** @throws {Error} for a ticket that was not handed out, or was answered before. */
  redeem(ticket: Ticket): void {
    if (!this.#out.delete(ticket)) throw new Error(`ticket ${ticket} is answered without having been handed out`)
  }
}
