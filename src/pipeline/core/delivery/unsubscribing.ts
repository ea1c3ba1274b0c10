import type { CodeEnd } from '../../../model/patient/code-end.ts'
import type { Patient, PatientCode } from '../../../model/patient/patient.ts'
import type { StoredRow } from '../../../model/progress/stored-row.ts'
import type { RowKey } from '../../../model/source/row.ts'
import type { CodeToUnsubscribe } from '../../../pending/code-unsubscriptions.ts'
import { codesOwnedBy } from '../../../pending/entry/record-codes.ts'
import type { Pending } from '../../../pending/pending.ts'
import type { CoreContext } from '../context.ts'
import type { Effect } from '../effects.ts'
import type { FetchedCode, Ticket } from '../events.ts'
import { Retried } from '../retried.ts'
import { afterFetch, type FetchedEnding } from './after-fetch.ts'
import type { Fetch, FetchSource } from './code-fetching.ts'
import type { Confirming } from './confirming.ts'

export interface UnsubscribingOptions {
  readonly context: Pick<CoreContext, 'tickets' | 'random'>
  readonly pending: Pick<
    Pending,
    | 'toResolve'
    | 'resolved'
    | 'notResolved'
    | 'isCodeOwnedByOther'
    | 'mayOwnCode'
    | 'unsubscriptions'
    | 'oweLater'
    | 'isSendingHeld'
  >
  readonly confirming: Pick<Confirming, 'recentUntilMs' | 'lostUntilMs' | 'subscribesUntilMs' | 'missing' | 'appeared'>
  /** Returns true if mediQuo can be read: a code that cannot be read then is not readable by itself. */
  readonly isReadable: (nowMs: number) => boolean
  /** Called when a row is owed because its code cannot be unsubscribed now. The argument is its due time, milliseconds. */
  readonly onOwed: (dueAtMs: number) => void
  /** Maximum number of codes whose records are fetched or wait for it. Rows of other codes are owed. */
  readonly maxFetching: number
}

/** A code that is to be unsubscribed, until it is known how. */
interface Ending extends FetchedEnding {
  readonly key: RowKey
  /** Patient of a full old row; null if there was none. */
  readonly patient: Patient | null
  soughtSinceMs: number | null
  isFetching: boolean
  failures: number
  readonly sinceMs: number
  notBeforeMs: number
}

/** Codes whose holders one query asks for. */
const askedAtOnce = 100
/** A record that may be fetched only after this time is owed instead, milliseconds: waiting in memory would hold the checkpoint back. */
const longWaitMs = 10_000
/** A code that cannot be read back for this long is owed, milliseconds; it is tried again after `lookAgainMs`. */
const oweAfterMs = 30_000
const lookAgainMs = 60_000
const firstRetryMs = 1_000
const maxRetryMs = 20_000

/**
 * Finds the full record to unsubscribe each ended code with: the API replaces a patient as a whole, and a partial record would
 * erase the rest. A code that another row has is left to that row. A code that cannot be read back blocks nothing else.
 */
export class Unsubscribing implements FetchSource {
  readonly #options: UnsubscribingOptions
  readonly #task: Retried
  /** Codes whose holders are to be asked for. */
  #asking: Ending[] = []
  #asked: readonly Ending[] = []
  /** Rows stored since the holders were asked for, and codes that these rows have or will have. */
  readonly #storedSince = { keys: new Set<RowKey>(), codes: new Set<PatientCode>() }
  /** Codes whose records are to be fetched. */
  readonly #fetching = new Set<Ending>()
  /** Newest ending of each row: a result for an earlier one is older than what was sent since. */
  readonly #newest = new Map<RowKey, Ending>()

  constructor(options: UnsubscribingOptions) {
    this.#options = options
    this.#task = new Retried(options.context.random)
  }

  /** Number of codes in progress. */
  get underWay(): number {
    return this.#asking.length + this.#asked.length + this.#fetching.size
  }

  /** Number of records that may be fetched in addition to those in progress. */
  get room(): number {
    return this.#options.maxFetching - this.underWay
  }

  nextAtMs(nowMs: number): number | null {
    let next = this.#asking.length > 0 ? this.#task.nextAtMs(nowMs) : null
    for (const { isFetching, notBeforeMs } of this.#fetching)
      if (!isFetching && notBeforeMs > nowMs && (next === null || notBeforeMs < next)) next = notBeforeMs
    return next
  }

  effects(nowMs: number, out: Effect[]): void {
    const { pending, context } = this.#options
    if (pending.isSendingHeld) return
    const room = askedAtOnce - this.#asking.length - this.#asked.length
    if (room > 0 && pending.unsubscriptions > 0) {
      for (const removal of pending.toResolve(room)) this.#begin(removal, nowMs)
    }
    this.#asking = this.#asking.filter((ending) => !this.#isLeftInMemory(ending))
    if (this.#asking.length === 0 || !this.#task.mayBegin(nowMs)) return
    this.#asked = this.#asking
    this.#asking = []
    this.#storedSince.keys.clear()
    this.#storedSince.codes.clear()
    const ticket = this.#task.begin(context.tickets.issue('find holders'))
    out.push({ kind: 'find holders', ticket, codes: this.#asked.map(({ code }) => code) })
  }

  #begin({ key, code, patient, isAccepted, soughtForMs }: CodeToUnsubscribe, nowMs: number): void {
    const soughtSinceMs = soughtForMs === null ? null : nowMs - soughtForMs
    const times = { failures: 0, sinceMs: nowMs, notBeforeMs: nowMs, soughtSinceMs }
    const ending: Ending = { key, code, patient, isAccepted, isFetching: false, ...times }
    const before = this.#newest.get(key)
    if (before) this.#drop(before)
    this.#newest.set(key, ending)
    this.#asking.push(ending)
  }

  /** Ends work on a code: it is resolved or out of date. A later answer for it is ignored. */
  #drop(ending: Ending): void {
    this.#fetching.delete(ending)
    this.#asking = this.#asking.filter((other) => other !== ending)
    if (this.#newest.get(ending.key) === ending) this.#newest.delete(ending.key)
  }

  #isNewest(ending: Ending): boolean {
    return this.#newest.get(ending.key) === ending
  }

  #resolve(ending: Ending, end: CodeEnd): void {
    this.#drop(ending)
    this.#options.pending.resolved(ending.key, { ...end, code: ending.code })
  }

  /** Notes rows that are stored from now on: memory may forget them. */
  stored(rows: readonly StoredRow[]): void {
    if (this.#asked.length === 0) return
    const { keys, codes } = this.#storedSince
    for (const row of rows) {
      keys.add(row.key)
      for (const code of codesOwnedBy(row)) codes.add(code)
    }
  }

  /**
   * Handles the rows that have the codes, as the store knows them. Rows that were stored while the query ran may be missing both
   * from memory and from the answer: the query is repeated for their codes.
   */
  holdersFound(ticket: Ticket, holders: ReadonlyMap<PatientCode, readonly RowKey[]>, nowMs: number): boolean {
    if (!this.#task.ends(ticket)) return false
    const { pending } = this.#options
    const asked = this.#asked
    this.#asked = []
    const { keys, codes } = this.#storedSince
    for (const ending of asked.filter((one) => this.#isNewest(one))) {
      const { key, code, patient } = ending
      const others = (holders.get(code) ?? []).filter((holder) => holder !== key)
      const isOwned = others.some((holder) => pending.mayOwnCode(code, holder))
      const isStale = codes.has(code) || others.some((holder) => keys.has(holder))
      if (isStale) this.#asking.push(ending)
      else if (isOwned) this.#resolve(ending, { kind: 'left' })
      else if (patient) this.#resolve(ending, { kind: 'send', patient })
      else this.#fetch(ending, nowMs)
    }
    return true
  }

  failed(ticket: Ticket, nowMs: number): boolean {
    if (!this.#task.fails(ticket, nowMs)) return false
    this.#asking = [...this.#asked.filter((one) => this.#isNewest(one)), ...this.#asking]
    this.#asked = []
    return true
  }

  /**
   * Fetches a record only after the API has applied what it accepted last: an older record would be sent and replace it. A code
   * that the quota of GET cannot serve within seconds is owed: a waiting code holds the checkpoint back, and every restart would
   * begin there.
   */
  #fetch(ending: Ending, nowMs: number): void {
    ending.notBeforeMs = Math.max(ending.notBeforeMs, this.#options.confirming.recentUntilMs(ending.code))
    const waitMs = ending.notBeforeMs - nowMs
    if (waitMs > longWaitMs) this.#owe(ending, nowMs, waitMs)
    else if (this.#fetching.size >= this.#options.maxFetching) this.#owe(ending, nowMs, 0)
    else this.#fetching.add(ending)
  }

  #owe(ending: Ending, nowMs: number, delayMs: number): void {
    const { pending, onOwed } = this.#options
    const { key, code, soughtSinceMs } = ending
    this.#drop(ending)
    pending.notResolved(key, code)
    const soughtForMs = soughtSinceMs === null ? null : nowMs - soughtSinceMs
    if (pending.oweLater(key, delayMs, soughtForMs)) onOwed(nowMs + delayMs)
  }

  wantsFetch(nowMs: number, mayRetry: boolean): boolean {
    return this.#due(nowMs, mayRetry).next().value !== undefined
  }

  nextFetch(nowMs: number, mayRetry: boolean): Fetch | null {
    for (const ending of this.#due(nowMs, mayRetry)) {
      if (this.#isLeftInMemory(ending)) continue
      ending.isFetching = true
      const fetched = (found: FetchedCode, atMs: number) => this.#fetched(ending, found, atMs)
      return { code: ending.code, expected: null, failedBefore: hasFailed(ending), fetched }
    }
    return null
  }

  /** Returns the codes to fetch now: first those that did not fail before. */
  *#due(nowMs: number, mayRetry: boolean): Generator<Ending, undefined> {
    for (const retries of mayRetry ? [false, true] : [false]) {
      for (const ending of this.#fetching)
        if (!ending.isFetching && ending.notBeforeMs <= nowMs && hasFailed(ending) === retries) yield ending
    }
  }

  /** Returns true, and leaves the code to the other row, if memory knows another row that has it. */
  #isLeftInMemory(ending: Ending): boolean {
    if (!this.#options.pending.isCodeOwnedByOther(ending.code, ending.key)) return false
    this.#resolve(ending, { kind: 'left' })
    return true
  }

  #fetched(ending: Ending, found: FetchedCode, nowMs: number): void {
    if (!this.#isNewest(ending)) return
    ending.isFetching = false
    const { confirming } = this.#options
    // If the API accepted something in the meantime and may not have applied it yet, the record is stale.
    if (nowMs < confirming.recentUntilMs(ending.code)) {
      this.#fetching.delete(ending)
      this.#fetch(ending, nowMs)
      return
    }
    if (found.kind === 'absent') confirming.missing(ending.code)
    if (found.kind === 'patient') confirming.appeared(ending.code, nowMs)
    const next = afterFetch(ending, found, { confirming, isReadable: this.#options.isReadable(nowMs), nowMs })
    if (next.kind === 'resolved') {
      this.#resolve(ending, next.end)
      return
    }
    ending.soughtSinceMs = next.soughtSinceMs
    if (next.kind === 'look again') this.#owe(ending, nowMs, next.delayMs)
    else this.#repeat(ending, nowMs)
  }

  #repeat(ending: Ending, nowMs: number): void {
    ending.failures++
    ending.notBeforeMs = nowMs + Math.min(maxRetryMs, firstRetryMs * 2 ** (ending.failures - 1))
    if (nowMs - ending.sinceMs >= oweAfterMs) this.#owe(ending, nowMs, lookAgainMs)
  }
}

/** Returns true if mediQuo did not show the patient of a code the last time. */
function hasFailed({ failures, soughtSinceMs }: Ending): boolean {
  return failures > 0 || soughtSinceMs !== null
}
