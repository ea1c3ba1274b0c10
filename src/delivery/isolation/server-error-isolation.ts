import type { DeadLetter } from '../../model/progress/stored-row.ts'
import { halves } from './bisect.ts'
import type { Others } from './isolation.ts'
import type { ProbeShare } from './probe-share.ts'

export interface ServerErrorIsolationOptions<R> {
  readonly refuse: (row: R, deadLetter: DeadLetter) => void
  /** Releases a row that may have been applied: it waits with the others again. */
  readonly release: (row: R) => void
  readonly probeShare: ProbeShare
}

/** A request that failed with a 5xx. `othersAreWell`: something else has been accepted since. */
interface Failing<R> {
  readonly rows: readonly R[]
  readonly status: number
  failures: number
  othersAreWell: boolean
}

/** Number of 5xx answers, each with an acceptance in between, after which many rows are bisected, and one row is rejected. */
const failuresUntilBisected = 2
const failuresUntilRejected = 4

/**
 * Rows with which the API fails with 5xx: one request fails repeatedly while others are accepted. While nothing is accepted it is
 * an outage, which uses up no row's attempts. Events in, decisions out.
 */
export class ServerErrorIsolation<R> {
  readonly #options: ServerErrorIsolationOptions<R>
  #failing: Failing<R>[] = []
  #inFlight: Failing<R> | null = null

  constructor(options: ServerErrorIsolationOptions<R>) {
    this.#options = options
  }

  get isIdle(): boolean {
    return this.#failing.length === 0 && this.#inFlight === null
  }

  /** Returns the rows to try again, or null to send others, if there are any. */
  next(others: Others): readonly R[] | null {
    if (this.#inFlight) return null
    const ready = this.#failing.find(({ othersAreWell }) => othersAreWell)
    // Without other rows for comparison, try it like any request after an outage.
    const failing = ready ?? (others.waiting || others.inFlight > 0 ? undefined : this.#failing[0])
    if (!failing || !this.#options.probeShare.mayTake(others.waiting)) return null
    this.#failing = this.#failing.filter((one) => one !== failing)
    this.#inFlight = failing
    return failing.rows
  }

  /** A request failed with a 5xx: keeps its rows. */
  failed(rows: readonly R[], status: number): void {
    const again = this.#clearInFlight(rows)
    const failing: Failing<R> = { rows, status, failures: (again?.failures ?? 0) + 1, othersAreWell: false }
    const isOutage = !again && this.#failing.some(({ othersAreWell }) => !othersAreWell)
    this.#failing.push(failing)
    if (isOutage) this.giveUp()
    else if (again?.othersAreWell === false) failing.failures = again.failures
    else this.#judge(failing)
  }

  /** A request was accepted. */
  accepted(rows: readonly R[]): void {
    this.#clearInFlight(rows)
    for (const failing of this.#failing) failing.othersAreWell = true
  }

  /** A request of the search had another result: its rows belong to the caller again. */
  abandoned(rows: readonly R[]): void {
    this.#clearInFlight(rows)
  }

  /** Releases everything. */
  giveUp(): void {
    for (const { rows } of this.#failing) for (const row of rows) this.#options.release(row)
    this.#failing = []
  }

  #judge(failing: Failing<R>): void {
    const { rows, status, failures } = failing
    const [row] = rows
    if (failures < (rows.length > 1 ? failuresUntilBisected : failuresUntilRejected) || row === undefined) return
    this.#failing = this.#failing.filter((one) => one !== failing)
    if (rows.length === 1) {
      this.#options.refuse(row, { reason: 'refused by the API', attributes: [], status })
      return
    }
    const parts = halves(rows).map((half) => ({ rows: half, status, failures: 0, othersAreWell: false }))
    this.#failing.push(...parts)
  }

  #clearInFlight(rows: readonly R[]): Failing<R> | null {
    const out = this.#inFlight
    if (out?.rows !== rows) return null
    this.#inFlight = null
    return out
  }
}
