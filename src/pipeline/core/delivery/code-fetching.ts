import type { Patient, PatientCode } from '../../../model/patient/patient.ts'
import type { Effect } from '../effects.ts'
import type { FetchedCode, Ticket } from '../events.ts'
import type { Tickets } from '../tickets.ts'

/** A code that somebody wants to read back. `expected`: what was accepted last; null: the record is wanted. */
export interface Fetch {
  readonly code: PatientCode
  readonly expected: Patient | null
  fetched(found: FetchedCode, nowMs: number): void
}

/** Who wants codes. */
export interface FetchSource {
  /** The next one to fetch now; null: none. It is under way until `fetched`. */
  nextFetch(nowMs: number): Fetch | null
  /** Whether there is one to fetch now. */
  wantsFetch(nowMs: number): boolean
}

export interface CodeFetchingOptions {
  readonly tickets: Tickets
  /** They take turns. */
  readonly sources: readonly FetchSource[]
  readonly maxInFlight: number
}

/** Reads patients back within the quota of GET: one permit is asked for at a time, and used for whoever wants it most then. */
export class CodeFetching {
  readonly #options: CodeFetchingOptions
  readonly #inFlight = new Map<Ticket, Fetch>()
  #wanted: Ticket | null = null
  #permit: Ticket | null = null
  #turn = 0
  #isActive = false

  constructor(options: CodeFetchingOptions) {
    this.#options = options
  }

  /** Whether this instance is the one to ask, and is not draining. */
  activate(isActive: boolean): void {
    this.#isActive = isActive
  }
  get inFlight(): number {
    return this.#inFlight.size
  }

  effects(nowMs: number, out: Effect[]): void {
    const { tickets, sources, maxInFlight } = this.#options
    if (this.#permit !== null) this.#use(this.#permit, nowMs, out)
    if (!this.#isActive || this.#wanted !== null || this.#inFlight.size >= maxInFlight) return
    if (!sources.some((source) => source.wantsFetch(nowMs))) return
    this.#wanted = tickets.issue('want permit')
    out.push({ kind: 'want permit', ticket: this.#wanted, endpoint: 'get' })
  }

  granted(ticket: Ticket): boolean {
    if (this.#wanted !== ticket) return false
    this.#wanted = null
    this.#permit = ticket
    return true
  }

  fetched(ticket: Ticket, found: FetchedCode, nowMs: number): boolean {
    const fetch = this.#inFlight.get(ticket)
    if (!fetch) return false
    this.#inFlight.delete(ticket)
    fetch.fetched(found, nowMs)
    return true
  }

  failed(ticket: Ticket, nowMs: number): boolean {
    if (this.#wanted === ticket) {
      this.#wanted = null
      return true
    }
    return this.fetched(ticket, { kind: 'not now' }, nowMs)
  }

  /** What was wanted when the permit was asked for may not be wanted any more. */
  #use(permit: Ticket, nowMs: number, out: Effect[]): void {
    this.#permit = null
    const fetch = this.#isActive ? this.#next(nowMs) : null
    if (!fetch) {
      out.push({ kind: 'return permit', permit, endpoint: 'get' })
      return
    }
    const ticket = this.#options.tickets.issue('fetch code')
    this.#inFlight.set(ticket, fetch)
    out.push({ kind: 'fetch code', ticket, permit, code: fetch.code, expected: fetch.expected })
  }

  #next(nowMs: number): Fetch | null {
    const { sources } = this.#options
    for (let tried = 0; tried < sources.length; tried++) {
      this.#turn = (this.#turn + 1) % sources.length
      const fetch = sources[this.#turn]?.nextFetch(nowMs)
      if (fetch) return fetch
    }
    return null
  }
}
