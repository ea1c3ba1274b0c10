import type { AnsweredRequest } from '../../../delivery/answered-request.ts'
import type { Delivery } from '../../../pending/entry/version.ts'
import type { Ticket } from '../events.ts'

/** A batch that was sent. Requests are numbered in the order in which they leave. */
interface SentBatch {
  readonly batch: readonly Delivery[]
  readonly leftAtMs: number
  readonly number: number
}

/** The batches whose requests are not answered. */
export class SentBatches {
  readonly #sent = new Map<Ticket, SentBatch>()
  #requests = 0

  get size(): number {
    return this.#sent.size
  }

  add(ticket: Ticket, batch: readonly Delivery[], leftAtMs: number): void {
    this.#requests++
    this.#sent.set(ticket, { batch, leftAtMs, number: this.#requests })
  }

  /** Returns the batch of an answer, and forgets it. */
  take(ticket: Ticket): SentBatch | null {
    const sent = this.#sent.get(ticket) ?? null
    this.#sent.delete(ticket)
    return sent
  }

  /** Returns an answered request among those that have left by now. */
  request(number: number): AnsweredRequest {
    return { number, newest: this.#requests }
  }
}
