import { backOffMs } from '../lifecycle/back-off.ts'
import type { DeliveryTrouble } from '../model/status/status.ts'
import { unreachable } from '../model/unreachable.ts'
import type { AnsweredRequest } from './answered-request.ts'

/** Reason why nothing, or only one trial request at a time, is sent. */
export interface Trouble {
  readonly kind: DeliveryTrouble
  readonly reason: string
  readonly sinceMs: number
}

/** Information that an answer gives about the API as a whole, apart from the batch. */
export type Signal =
  | { readonly kind: 'well' }
  /** The API answers, and refuses the content of the request. */
  | { readonly kind: 'refused' }
  /** The API refuses the content of every request. */
  | { readonly kind: 'rejecting'; readonly status: number }
  /** The API reports success in a way that is not documented. `isProven`: reading back shows what was sent. */
  | { readonly kind: 'unexpected success'; readonly status: number; readonly isProven: boolean }
  /** Reading back shows nothing of what such a success was reported for. */
  | { readonly kind: 'unproven success'; readonly status: number }
  | { readonly kind: 'outage'; readonly reason: string }
  /** The checkpoint store cannot be written. */
  | { readonly kind: 'store outage' }
  | { readonly kind: 'halted'; readonly reason: string }
  | { readonly kind: 'rate limited'; readonly ms: number }
  /** The API asks for a long pause. `ms`: time until the next trial; `until`: the end of the pause, ISO 8601. */
  | { readonly kind: 'told to wait'; readonly ms: number; readonly until: string }

/**
 * Decides whether a request may start. After a failure that does not concern the batch, one trial at a time is sent, at growing
 * intervals with full jitter, until one succeeds. An outage therefore ends by itself, and no row's attempts are used up. Requests that
 * were in flight at the first failure count as one with it. Pure apart from its own state; milliseconds of a monotonic clock.
 */
export class Circuit {
  #trouble: Trouble | null = null
  #attempt = 0
  #notBeforeMs = 0
  /** The newest request that was in flight at the last failure that counted. */
  #countedUpTo = 0

  get trouble(): Trouble | null {
    return this.#trouble
  }

  /** Milliseconds until a request may start with `inFlight` requests in flight; null: when one of them is answered. */
  waitMs(nowMs: number, inFlight: number, maxInFlight: number): number | null {
    if (this.#notBeforeMs > nowMs) return this.#notBeforeMs - nowMs
    return inFlight < (this.#trouble ? 1 : maxInFlight) ? 0 : null
  }

  /** @param request the request that was answered; null: the signal does not come from one. */
  observe(signal: Signal, nowMs: number, random: number, request: AnsweredRequest | null = null): void {
    // During a long pause only requests from before it are answered: they do not end it.
    const mustWait = this.#trouble?.kind === 'told to wait' && nowMs < this.#notBeforeMs
    if (mustWait && signal.kind !== 'told to wait') return
    switch (signal.kind) {
      case 'well':
        this.#end()
        return
      case 'refused':
        if (this.#trouble?.kind !== 'rejecting') this.#end()
        return
      case 'rate limited':
        // All requests pause once, for as long as the server says. A 429 says nothing about health.
        this.#trouble = { kind: 'rate limited', reason: 'the API answered 429', sinceMs: nowMs }
        this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + signal.ms)
        return
      case 'told to wait':
        this.#trouble = { kind: signal.kind, reason: reasonOf(signal), sinceMs: this.#sinceMs(signal.kind, nowMs) }
        this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + signal.ms)
        return
      case 'unexpected success':
        this.#sawUnexpectedSuccess(signal, nowMs)
        return
      case 'rejecting':
      case 'unproven success':
      case 'outage':
      case 'store outage':
      case 'halted': {
        this.#trouble = { kind: signal.kind, reason: reasonOf(signal), sinceMs: this.#sinceMs(signal.kind, nowMs) }
        if (request !== null && request.number <= this.#countedUpTo) return
        this.#countedUpTo = request?.newest ?? this.#countedUpTo
        this.#attempt++
        // The first failure is usually an idle connection that the server closed: try again almost immediately.
        const limits = this.#attempt === 1 ? { baseMs: 50, maxMs: 50 } : { baseMs: 250, maxMs: 30_000 }
        this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + backOffMs(this.#attempt, random, limits))
        return
      }
      default:
        unreachable(signal)
    }
  }

  #end(): void {
    this.#trouble = null
    this.#attempt = 0
    this.#countedUpTo = 0
  }

  /** One request at a time is sent and read back. A batch that is not read back yet does not end a trouble. */
  #sawUnexpectedSuccess(signal: Extract<Signal, { kind: 'unexpected success' }>, nowMs: number): void {
    if (!signal.isProven && this.#trouble?.kind === 'unproven success') return
    if (signal.isProven) this.#attempt = 0
    this.#trouble = { kind: signal.kind, reason: reasonOf(signal), sinceMs: this.#sinceMs(signal.kind, nowMs) }
  }

  /** Returns the time since which a trouble lasts. */
  #sinceMs(kind: DeliveryTrouble, nowMs: number): number {
    return this.#trouble?.kind === kind ? this.#trouble.sinceMs : nowMs
  }
}

function reasonOf(signal: Exclude<Signal, { readonly kind: 'well' | 'refused' | 'rate limited' }>): string {
  switch (signal.kind) {
    case 'rejecting':
      return `the API refuses every patient alike (${signal.status})`
    case 'unexpected success':
      return `the API answers ${signal.status}, which is not its documented success: patients are read back before they count as delivered`
    case 'unproven success':
      return `the API answers ${signal.status}, which is not its documented success, and reading back does not show what was sent`
    case 'told to wait':
      return `the API answered 429 and asks to wait until ${signal.until}: one request an hour tries whether it takes patients again`
    case 'store outage':
      return 'the state cannot be written'
    case 'outage':
    case 'halted':
      return signal.reason
  }
}
