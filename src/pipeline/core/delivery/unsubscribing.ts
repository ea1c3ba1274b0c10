import type { CodeEnd } from '../../../model/patient/code-end.ts'
import type { Patient, PatientCode } from '../../../model/patient/patient.ts'
import type { StoredRow } from '../../../model/progress/stored-row.ts'
import type { RowKey } from '../../../model/source/row.ts'
import type { Pending } from '../../../pending/pending.ts'
import { codesHeldBy } from '../../../pending/unrecorded-rows.ts'
import type { Effect } from '../effects.ts'
import type { FetchedCode, Ticket } from '../events.ts'
import { Retried } from '../retried.ts'
import type { Tickets } from '../tickets.ts'
import type { Fetch, FetchSource } from './code-fetching.ts'

export interface UnsubscribingOptions {
  readonly pending: Pick<
    Pending,
    'toResolve' | 'resolved' | 'notResolved' | 'isClaimed' | 'mayHold' | 'unsubscriptions' | 'oweLater' | 'held'
  >
  readonly tickets: Tickets
  readonly random: () => number
  /** Until when the API may not have applied yet what it accepted of a code last. */
  readonly recentUntilMs: (code: PatientCode) => number
  /** A row was owed since its code cannot be ended for now; it is due then, milliseconds. */
  readonly onOwed: (dueAtMs: number) => void
  /** Codes whose records are fetched, or wait for it. Past it their rows are owed. */
  readonly maxFetching: number
}

/** A code that is to end, on its way to be found out about. */
interface Ending {
  readonly key: RowKey
  readonly code: PatientCode
  /** Known from a full old row. */
  readonly patient: Patient | null
  isFetching: boolean
  failures: number
  readonly sinceMs: number
  notBeforeMs: number
}

/** Codes whose holders are asked for at a time. */
const askedAtOnce = 100
/** A record that may be fetched only after so many milliseconds is waited for outside memory, and so keeps no checkpoint back. */
const longWaitMs = 10_000
/** A code that cannot be read back is given up for a while after so many milliseconds, and looked at again after the second. */
const giveUpAfterMs = 30_000
const lookAgainMs = 60_000
const firstRetryMs = 1_000
const maxRetryMs = 20_000

/**
 * Codes that end: finds the full record to unsubscribe each with, since the API replaces a patient whole and a partial record would
 * wipe the rest. A code that another row has is left to it. One that cannot be read back keeps nobody waiting.
 */
export class Unsubscribing implements FetchSource {
  readonly #options: UnsubscribingOptions
  readonly #task: Retried
  /** Their holders are to be asked for. */
  #asking: Ending[] = []
  #asked: readonly Ending[] = []
  /** What was stored since they were asked for: rows, and codes that these have or are to have. */
  readonly #storedSince = { keys: new Set<RowKey>(), codes: new Set<PatientCode>() }
  /** Their records are to be fetched. */
  readonly #fetching = new Set<Ending>()
  /** The newest of each row: what was found out for an earlier one is older than what was sent since. */
  readonly #newest = new Map<RowKey, Ending>()

  constructor(options: UnsubscribingOptions) {
    this.#options = options
    this.#task = new Retried(options.random)
  }

  /** Codes that are being found out about. */
  get underWay(): number {
    return this.#asking.length + this.#asked.length + this.#fetching.size
  }

  /** Records that may be fetched beside those that are. */
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
    const { pending, tickets } = this.#options
    if (pending.held) return
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
    const ticket = this.#task.begin(tickets.issue('find holders'))
    out.push({ kind: 'find holders', ticket, codes: this.#asked.map(({ code }) => code) })
  }

  #begin({ key, code, patient }: Pick<Ending, 'key' | 'code' | 'patient'>, nowMs: number): void {
    const times = { failures: 0, sinceMs: nowMs, notBeforeMs: nowMs }
    const ending: Ending = { key, code, patient, isFetching: false, ...times }
    const before = this.#newest.get(key)
    if (before) this.#drop(before)
    this.#newest.set(key, ending)
    this.#asking.push(ending)
  }

  /** It is done with, or out of date. Whatever is still answered for it is ignored. */
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

  /** These rows are stored from now on, and memory may forget them. */
  stored(rows: readonly StoredRow[]): void {
    if (this.#asked.length === 0) return
    const { keys, codes } = this.#storedSince
    for (const row of rows) {
      keys.add(row.key)
      for (const code of codesHeldBy(row)) codes.add(code)
    }
  }

  /**
   * Who has the codes by the store. What was stored while the answer was on its way may be gone from memory and not be in the answer:
   * then it is asked again.
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
      const isHeld = others.some((holder) => pending.mayHold(code, holder))
      const isStale = codes.has(code) || others.some((holder) => keys.has(holder))
      if (isStale) this.#asking.push(ending)
      else if (isHeld) this.#resolve(ending, { kind: 'left' })
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
   * Its record is read once what was accepted last is applied: an older one would be sent, and replace that. What the quota of GET
   * does not allow within seconds is owed: a code that waits keeps the checkpoint back, and every restart would begin there.
   */
  #fetch(ending: Ending, nowMs: number): void {
    ending.notBeforeMs = Math.max(ending.notBeforeMs, this.#options.recentUntilMs(ending.code))
    const waitMs = ending.notBeforeMs - nowMs
    if (waitMs > longWaitMs) this.#owe(ending, nowMs, waitMs)
    else if (this.#fetching.size >= this.#options.maxFetching) this.#owe(ending, nowMs, 0)
    else this.#fetching.add(ending)
  }

  #owe(ending: Ending, nowMs: number, delayMs: number): void {
    const { pending, onOwed } = this.#options
    const { key, code } = ending
    this.#drop(ending)
    pending.notResolved(key, code)
    if (pending.oweLater(key, delayMs)) onOwed(nowMs + delayMs)
  }

  wantsFetch(nowMs: number): boolean {
    for (const { isFetching, notBeforeMs } of this.#fetching) if (!isFetching && notBeforeMs <= nowMs) return true
    return false
  }

  nextFetch(nowMs: number): Fetch | null {
    for (const ending of this.#fetching) {
      if (ending.isFetching || ending.notBeforeMs > nowMs) continue
      if (this.#isLeftInMemory(ending)) continue
      ending.isFetching = true
      return { code: ending.code, expected: null, fetched: (found, atMs) => this.#fetched(ending, found, atMs) }
    }
    return null
  }

  /** Another row has the code by what memory knows. */
  #isLeftInMemory(ending: Ending): boolean {
    if (!this.#options.pending.isClaimed(ending.code, ending.key)) return false
    this.#resolve(ending, { kind: 'left' })
    return true
  }

  #fetched(ending: Ending, found: FetchedCode, nowMs: number): void {
    if (!this.#isNewest(ending)) return
    ending.isFetching = false
    const record = found.kind === 'patient' ? found.record : null
    // Something was accepted in the meantime, and is still to be applied: what was found is older.
    const isRecent = nowMs < this.#options.recentUntilMs(ending.code)
    if (found.kind === 'not now' || isRecent) this.#postpone(ending, nowMs)
    else this.#resolve(ending, record ? { kind: 'send', patient: record } : { kind: 'ended' })
  }

  #postpone(ending: Ending, nowMs: number): void {
    ending.failures++
    ending.notBeforeMs = nowMs + Math.min(maxRetryMs, firstRetryMs * 2 ** (ending.failures - 1))
    if (nowMs - ending.sinceMs >= giveUpAfterMs) this.#owe(ending, nowMs, lookAgainMs)
  }
}
