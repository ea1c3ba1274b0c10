import { nobody } from '../../../model/patient/nobody.ts'
import type { Patient, PatientCode } from '../../../model/patient/patient.ts'
import type { Effect } from '../effects.ts'
import type { FetchedCode, Ticket } from '../events.ts'
import type { Recording } from '../record/recording.ts'
import type { Tickets } from '../tickets.ts'

/**
 * A code to be read back. `expected`: the patient that was accepted last; null if the record is requested. `failedBefore`: it could not
 * be read back the last time.
 */
export interface Fetch {
  readonly code: PatientCode
  readonly expected: Patient | null
  readonly failedBefore?: boolean
  fetched(found: FetchedCode, nowMs: number): void
}

/** Source of codes to be read back. */
export interface FetchSource {
  /**
   * Returns the next code to fetch now; null if there is none. It is in progress until `fetched`. @param mayRetry false: none that could
   * not be read back before.
   */
  nextFetch(nowMs: number, mayRetry: boolean): Fetch | null
  /** Returns true if there is a code to fetch now. */
  wantsFetch(nowMs: number, mayRetry: boolean): boolean
}

/** Time for which an answer shows that mediQuo can be read, milliseconds. */
const readableForMs = 60_000

export interface CodeFetchingOptions {
  readonly tickets: Tickets
  /** Sources, served in turn. */
  readonly sources: readonly FetchSource[]
  /** Begins the lease. */
  readonly recording: Pick<Recording, 'beginLease' | 'isStored' | 'mayLeave'>
  readonly maxInFlight: number
}

/**
 * Reads patients back within the quota of GET. Requests one permit at a time; the source whose turn it is when the permit arrives
 * uses it. Codes that failed before come last, and take at most half of the requests in flight: one that hangs must not keep others from
 * their turn. Before them a code that no patient has shows whether mediQuo can be read at all. Rule 15: only within the lease.
 * Otherwise an instance that is cut off from the database would use up the quota of the one that took over.
 */
export class CodeFetching {
  readonly #options: CodeFetchingOptions
  readonly #inFlight = new Map<Ticket, Fetch>()
  #wanted: Ticket | null = null
  #permit: Ticket | null = null
  /** The write that begins the lease; null if none was asked for. */
  #leaseWrite: number | null = null
  #turn = 0
  #isActive = false
  /** Time of the last answer that told what mediQuo has of a code, and of the last request that was to show whether there is one. */
  #answeredAtMs = Number.NEGATIVE_INFINITY
  #probedAtMs = Number.NEGATIVE_INFINITY
  #isProbing = false

  constructor(options: CodeFetchingOptions) {
    this.#options = options
  }

  /** Sets whether this instance may fetch: it is the writer and is not draining. */
  activate(isActive: boolean): void {
    this.#isActive = isActive
  }
  get inFlight(): number {
    return this.#inFlight.size
  }
  /** Returns true if an answer told within the last minute what mediQuo has of a code. */
  isReadable(nowMs: number): boolean {
    return nowMs - this.#answeredAtMs < readableForMs
  }

  effects(nowMs: number, out: Effect[]): void {
    const { tickets, maxInFlight } = this.#options
    if (this.#permit !== null) this.#use(this.#permit, nowMs, out)
    const hasPermit = this.#wanted !== null || this.#permit !== null
    if (!this.#isActive || hasPermit || this.#inFlight.size >= maxInFlight) return
    if (!this.#isWanted(nowMs)) return
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
    if (found.kind !== 'not now') this.#answeredAtMs = nowMs
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

  /** A write failed. If it was the one that begins the lease, another one is asked for. */
  writeFailed(): void {
    this.#leaseWrite = null
  }

  /** Uses the permit if a code is still requested: the request may have gone since the permit was asked for. */
  #use(permit: Ticket, nowMs: number, out: Effect[]): void {
    const { recording } = this.#options
    const isWanted = this.#isActive && this.#isWanted(nowMs)
    if (isWanted && !recording.mayLeave(nowMs)) {
      if (this.#leaseWrite === null || recording.isStored(this.#leaseWrite)) this.#leaseWrite = recording.beginLease()
      return
    }
    this.#permit = null
    this.#leaseWrite = null
    const fetch = isWanted ? this.#next(nowMs) : null
    if (!fetch) {
      out.push({ kind: 'return permit', permit, endpoint: 'get' })
      return
    }
    const ticket = this.#options.tickets.issue('fetch code')
    this.#inFlight.set(ticket, fetch)
    out.push({ kind: 'fetch code', ticket, permit, code: fetch.code, expected: fetch.expected })
  }

  #isWanted(nowMs: number): boolean {
    const { sources } = this.#options
    if (sources.some((source) => source.wantsFetch(nowMs, false))) return true
    return this.#mayRetry && sources.some((source) => source.wantsFetch(nowMs, true))
  }

  /** True if a code that failed before may be fetched. */
  get #mayRetry(): boolean {
    if (this.#isProbing) return false
    let retried = 0
    for (const { failedBefore } of this.#inFlight.values()) if (failedBefore) retried++
    return retried < this.#options.maxInFlight / 2
  }

  #next(nowMs: number): Fetch | null {
    const fresh = this.#nextInTurn(nowMs, false)
    if (fresh || !this.#mayRetry) return fresh
    const isKnown = nowMs - Math.max(this.#answeredAtMs, this.#probedAtMs) < readableForMs
    const isWanted = this.#options.sources.some((source) => source.wantsFetch(nowMs, true))
    return isKnown || !isWanted ? this.#nextInTurn(nowMs, true) : this.#probe()
  }

  #probe(): Fetch {
    this.#isProbing = true
    const fetched = (_: FetchedCode, atMs: number) => {
      this.#isProbing = false
      this.#probedAtMs = atMs
    }
    return { code: nobody, expected: null, fetched }
  }

  #nextInTurn(nowMs: number, mayRetry: boolean): Fetch | null {
    const { sources } = this.#options
    for (let tried = 0; tried < sources.length; tried++) {
      this.#turn = (this.#turn + 1) % sources.length
      const fetch = sources[this.#turn]?.nextFetch(nowMs, mayRetry)
      if (fetch) return fetch
    }
    return null
  }
}
