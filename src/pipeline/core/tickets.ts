import type { Effect } from './effects.ts'
import type { Ticket } from './events.ts'

/** Tickets that were issued and are not answered. */
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

  /** Takes back a ticket. @throws {Error} if it was not issued, or is answered already. */
  redeem(ticket: Ticket): void {
    if (!this.#out.delete(ticket)) throw new Error(`ticket ${ticket} is answered without having been handed out`)
  }
}
