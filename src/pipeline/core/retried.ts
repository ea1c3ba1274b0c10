import { backOffMs } from '../../lifecycle/back-off.ts'
import type { Ticket } from './events.ts'

/** Work that is under way once at a time, and is tried again with back-off after a failure. */
export class Retried {
  readonly #random: () => number
  #ticket: Ticket | null = null
  #failures = 0
  #notBeforeMs = Number.NEGATIVE_INFINITY

  constructor(random: () => number) {
    this.#random = random
  }

  get isOut(): boolean {
    return this.#ticket !== null
  }
  get isFailing(): boolean {
    return this.#failures > 0
  }
  /** When it may be tried again after a failure, milliseconds; null: now, or once it is answered. */
  nextAtMs(nowMs: number): number | null {
    return this.#ticket === null && this.#notBeforeMs > nowMs ? this.#notBeforeMs : null
  }
  mayBegin(nowMs: number): boolean {
    return this.#ticket === null && nowMs >= this.#notBeforeMs
  }
  begin(ticket: Ticket): Ticket {
    this.#ticket = ticket
    return ticket
  }
  /** Its answer came. @returns false if the ticket is another's. */
  ends(ticket: Ticket): boolean {
    if (this.#ticket !== ticket) return false
    this.#ticket = null
    this.#failures = 0
    return true
  }
  /** @returns false if the ticket is another's. */
  fails(ticket: Ticket, nowMs: number): boolean {
    if (this.#ticket !== ticket) return false
    this.#ticket = null
    this.#failures++
    this.#notBeforeMs = nowMs + 50 + backOffMs(this.#failures, this.#random(), { baseMs: 100, maxMs: 10_000 })
    return true
  }
  /** Not sooner than this, though nothing failed. */
  postpone(untilMs: number): void {
    this.#notBeforeMs = untilMs
  }
}
