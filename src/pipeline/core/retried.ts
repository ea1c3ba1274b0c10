import { backOffMs } from '../../lifecycle/back-off.ts'
import type { Ticket } from './events.ts'

/** Work that is in progress at most once, and is tried again with back-off after a failure. */
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
  /** Returns the time of the next attempt after a failure, milliseconds; null if it may start now or is in progress. */
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
  /** Handles the answer. @returns false if the ticket is another's. */
  ends(ticket: Ticket): boolean {
    if (this.#ticket !== ticket) return false
    this.#ticket = null
    this.#failures = 0
    return true
  }
  /** Handles a failure. @returns false if the ticket is another's. */
  fails(ticket: Ticket, nowMs: number): boolean {
    if (this.#ticket !== ticket) return false
    this.#ticket = null
    this.#failures++
    this.#notBeforeMs = nowMs + 50 + backOffMs(this.#failures, this.#random(), { baseMs: 100, maxMs: 10_000 })
    return true
  }
  /** Delays the next attempt until this time, without a failure. */
  postpone(untilMs: number): void {
    this.#notBeforeMs = untilMs
  }
}
