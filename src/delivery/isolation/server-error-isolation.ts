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

/**
 * A request that failed. `keysAreAccepted`: it was refused, but not for its keys; otherwise it failed with a 5xx. `othersAreWell`:
 * something else has been accepted since.
 */
interface Failing<R> {
  readonly rows: readonly R[]
  readonly status: number
  readonly keysAreAccepted: boolean
  failures: number
  othersAreWell: boolean
}

/** Result for the rows of a failed request: kept and tried again, released with all others that failed, or rejected. */
export type FailedRowsResult = 'kept' | 'released' | 'rejected'

/** Number of 5xx answers, each with an acceptance in between, after which many rows are bisected, and one row is rejected. */
const failuresUntilBisected = 2
const failuresUntilRejected = 4

/**
 * Rows with which the API fails with 5xx, or which something in front of it refuses: one request fails repeatedly while others are
 * accepted. While nothing is accepted it is an outage, which uses up no row's attempts. Events in, decisions out.
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

  /** A request failed: keeps its rows, unless it is an outage, or the last of several failures of one row. */
  failed(rows: readonly R[], status: number, keysAreAccepted = false): FailedRowsResult {
    const again = this.#clearInFlight(rows)
    const failures = (again?.failures ?? 0) + 1
    const failing: Failing<R> = { rows, status, keysAreAccepted, failures, othersAreWell: false }
    // Accepted keys show that the API is well: many rows are bisected. Only an accepted request shows that one row is bad.
    const isComparable = again?.othersAreWell !== false || (keysAreAccepted && rows.length > 1)
    const isOutage = !again && this.#failing.some(({ othersAreWell }) => !othersAreWell)
    this.#failing.push(failing)
    if (isOutage) {
      this.giveUp()
      return 'released'
    }
    // It was refused in front of the API before, and something else was accepted since.
    const isCompared = again?.othersAreWell === true && again.keysAreAccepted
    if (!again || isComparable) return this.#judge(failing, isCompared)
    failing.failures = again.failures
    return 'kept'
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

  #judge(failing: Failing<R>, isCompared: boolean): FailedRowsResult {
    const { rows, status, keysAreAccepted, failures } = failing
    const [row] = rows
    const untilRejected = keysAreAccepted && isCompared ? 1 : failuresUntilRejected
    if (failures < (rows.length > 1 ? failuresUntilBisected : untilRejected) || row === undefined) return 'kept'
    this.#failing = this.#failing.filter((one) => one !== failing)
    if (rows.length === 1) {
      this.#options.refuse(row, { reason: 'refused by the API', attributes: [], status })
      return 'rejected'
    }
    const parts = halves(rows).map((half) => ({ ...failing, rows: half, failures: 0, othersAreWell: false }))
    this.#failing.push(...parts)
    return 'kept'
  }

  #clearInFlight(rows: readonly R[]): Failing<R> | null {
    const out = this.#inFlight
    if (out?.rows !== rows) return null
    this.#inFlight = null
    return out
  }
}
