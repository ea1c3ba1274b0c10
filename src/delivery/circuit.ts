import { backOffMs } from '../lifecycle/back-off.ts'
import type { DeliveryTrouble } from '../model/status/status.ts'

/** Why nothing, or only one trial request at a time, is sent. */
export interface Trouble {
  readonly kind: DeliveryTrouble
  readonly reason: string
  readonly sinceMs: number
}

/** What an answer tells about the API as a whole, apart from the batch. */
export type Signal =
  | { readonly kind: 'well' }
  /** It answers, and refuses what is in the request. */
  | { readonly kind: 'refused' }
  /** It refuses whatever is in a request. */
  | { readonly kind: 'rejecting'; readonly status: number }
  | { readonly kind: 'outage'; readonly reason: string }
  | { readonly kind: 'halted'; readonly reason: string }
  | { readonly kind: 'rate limited'; readonly ms: number }

/**
 * Whether a request may start. After a failure that is not about a batch, one trial at a time goes out, further and further
 * apart with full jitter, until one gets through: an outage resumes by itself and uses up nobody's attempts. Pure but for
 * its own state; milliseconds of a monotonic clock.
 */
export class Circuit {
  #trouble: Trouble | null = null
  #attempt = 0
  #notBeforeMs = 0

  get trouble(): Trouble | null {
    return this.#trouble
  }

  /** Milliseconds until a request may start with `inFlight` already out; null: when one of them is answered. */
  waitMs(nowMs: number, inFlight: number, maxInFlight: number): number | null {
    if (this.#notBeforeMs > nowMs) return this.#notBeforeMs - nowMs
    return inFlight < (this.#trouble ? 1 : maxInFlight) ? 0 : null
  }

  observe(signal: Signal, nowMs: number, random: number): void {
    switch (signal.kind) {
      case 'well':
        this.#trouble = null
        this.#attempt = 0
        return
      case 'refused':
        if (this.#trouble?.kind === 'rejecting') return
        this.#trouble = null
        this.#attempt = 0
        return
      case 'rate limited':
        // Everybody pauses once, for as long as the server says; it says nothing about health.
        this.#trouble = { kind: 'rate limited', reason: 'the API answered 429', sinceMs: nowMs }
        this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + signal.ms)
        return
      default: {
        const sinceMs = this.#trouble && this.#trouble.kind === signal.kind ? this.#trouble.sinceMs : nowMs
        const reason =
          signal.kind === 'rejecting' ? `the API refuses every patient alike (${signal.status})` : signal.reason
        this.#trouble = { kind: signal.kind, reason, sinceMs }
        this.#attempt++
        // The first failure is most often an idle connection that the server closed: it is tried again almost immediately.
        const limits = this.#attempt === 1 ? { baseMs: 50, maxMs: 50 } : { baseMs: 250, maxMs: 30_000 }
        this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + backOffMs(this.#attempt, random, limits))
      }
    }
  }
}
