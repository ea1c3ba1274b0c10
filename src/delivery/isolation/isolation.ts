import type { DeadLetter } from '../../model/progress/stored-row.ts'
import { firstProbeSize, halves } from './bisect.ts'
import type { ProbeShare } from './probe-share.ts'
import { letterOf, type Refusal } from './refusal.ts'
import { RefusedBefore } from './refused-before.ts'

export interface IsolationOptions<R> {
  /** Rejects this row. */
  readonly refuse: (row: R, deadLetter: DeadLetter) => void
  /** Releases a row that nothing is known against: it waits with the others again. */
  readonly release: (row: R) => void
  /** Called if the rows are not the cause: everything that is sent is refused. */
  readonly halt: (status: number) => void
  /** Returns the same key for all versions of one row. */
  readonly keyOf: (row: R) => string
  readonly probeShare: ProbeShare
  readonly random: () => number
}

/** Rows of which at least one is bad. */
interface Search<R> {
  readonly rows: readonly R[]
  readonly refusal: Refusal
}

/** A row that was named, or refused alone. It proves nothing until something else succeeds. */
interface Candidate<R> {
  readonly row: R
  readonly letter: DeadLetter
  readonly isAlone: boolean
}

/** Rows other than those of the isolation that could be sent, and requests in flight. */
export interface Others {
  readonly waiting: boolean
  readonly inFlight: number
}

/** Number of consecutive bad rows after which the rest of a search is no longer mixed with rows that wait. */
const maxFinds = 5
/** Number of consecutive refusals that name only the first row after which another row is tried: all may be refused alike. */
const maxFirsts = 5
/** Number of rows refused alone, without a success, that shows that the rows are not the cause; one fewer after other refusals. */
const maxAlone = 3
/** Number of consecutive refusals after which earlier successes prove nothing. */
const maxRefusals = 12

/**
 * Finds the bad rows of refused requests with few requests of its own (DESIGN.md, "Isolation"). Tells them from an API that refuses
 * everything: no row is rejected before something else succeeds. Events in, decisions out.
 */
export class Isolation<R> {
  readonly #options: IsolationOptions<R>
  /** Rows of which nothing is known, to be sent as they are. */
  #untried: (readonly R[])[] = []
  #searches: Search<R>[] = []
  #candidates: Candidate<R>[] = []
  /** Rows that a search skipped. They wait with the others again once it has found its row. */
  #passedBy: R[] = []
  #probe: { readonly rows: readonly R[]; readonly search: Search<R> | null } | null = null
  /** True if a request was accepted since the first unsettled refusal; number of refusals since the last acceptance. */
  #hasSucceeded = false
  #refusals = 0
  /** True if another request was sent to see whether it is refused too. */
  #isControlled = false
  /** Number of refused requests of other rows, without a success. */
  #others = 0
  #firsts = 0
  #finds = 0
  /** The row that was rejected although there was nothing to compare it with. */
  #believed: string | null = null
  readonly #refusedBefore = new RefusedBefore(maxAlone)

  constructor(options: IsolationOptions<R>) {
    this.#options = options
  }

  /** True if nothing remains to be found out. */
  get isIdle(): boolean {
    return this.#unresolved + this.#candidates.length + this.#passedBy.length === 0 && this.#probe === null
  }
  get #unresolved(): number {
    return this.#untried.length + this.#searches.length
  }
  get #isProven(): boolean {
    return this.#hasSucceeded && this.#refusals < maxRefusals
  }

  /** Returns the rows to send next: rows of the isolation, others, or nothing until an answer comes. */
  next(view: Others): readonly R[] | 'others' | 'nothing' {
    const isDone = !this.#probe && this.#unresolved === 0
    const others = { ...view, waiting: (isDone && this.#goBackToPassedBy(view)) || view.waiting }
    if (this.isIdle) return 'others'
    if (this.#probe) return this.#isProven ? 'others' : 'nothing'
    if (!this.#isProven) return this.#nextUnproven(others)
    return this.#options.probeShare.mayTake(others.waiting) ? this.#send(this.#nextProbe()) : 'others'
  }

  /** A request was accepted: earlier refusals were caused by their rows. */
  accepted(rows: readonly R[]): void {
    const { search } = this.#endProbe(rows)
    if (search) {
      const rest = search.rows.slice(rows.length)
      const [last] = rest
      if (rest.length === 1 && last !== undefined) this.#suspect(last, letterOf(search.refusal, null), false)
      else if (rest.length > 0) this.#searches.unshift({ ...search, rows: rest })
    } else if (this.isIdle) this.#finds = 0
    this.#hasSucceeded = true
    this.#refusals = 0
    this.#believed = null
    this.#refusedBefore.accepted(rows.map(this.#options.keyOf))
    this.#firsts = 0
    this.#others = 0
    this.#rejectCandidates()
    this.#endIfIdle()
  }

  /** A request was refused for its content. */
  refused(rows: readonly R[], refusal: Refusal): void {
    const { search, isOurs } = this.#endProbe(rows)
    if (!isOurs) this.#others++
    this.#refusals++
    if (search) this.#passBy(search.rows.slice(rows.length))
    const named = new Map(refusal.named.flatMap(({ index, attribute }) => (index in rows ? [[index, attribute]] : [])))
    if (rows.length === 1) {
      for (const row of rows) this.#refusedItself(row, letterOf(refusal, named.get(0) ?? null), true)
    } else if (refusal.reason === 'too large') {
      this.#untried.push(...halves(rows))
    } else if (named.size > 0) {
      this.#firsts = named.size === 1 && named.has(0) ? this.#firsts + 1 : 0
      for (const [index, row] of rows.entries()) {
        const attribute = named.get(index)
        if (attribute !== undefined) this.#refusedItself(row, letterOf(refusal, attribute), false)
      }
      const rest = rows.filter((_, index) => !named.has(index))
      if (rest.length > 0) this.#untried.unshift(rest)
    } else {
      this.#searches.unshift({ rows, refusal })
    }
    if (this.#isProven) this.#rejectCandidates()
    this.#endIfIdle()
  }

  /** Nothing was learned from a request (an outage, a 429): the caller returns its rows, the rest of the search is released. */
  abandoned(rows: readonly R[]): void {
    const { search } = this.#endProbe(rows)
    this.#passedBy.push(...(search?.rows.slice(rows.length) ?? []))
    this.#endIfIdle()
  }

  /** Releases everything. */
  giveUp(): void {
    for (const rows of [...this.#untried, ...this.#searches.map((search) => search.rows)])
      for (const row of rows) this.#options.release(row)
    for (const { row } of this.#candidates) this.#options.release(row)
    this.#untried = []
    this.#searches = []
    this.#candidates = []
    this.#releasePassedBy()
  }

  /** Nothing has succeeded: send as little as possible until it is known whether the rows are the cause. */
  #nextUnproven(others: Others): readonly R[] | 'others' | 'nothing' {
    if (others.inFlight > 0) return 'nothing'
    if (this.#isEverything) return this.#halt()
    if (others.waiting && !this.#isControlled && this.#others < 2) return this.#control()
    // After consecutive refusals, single rows sent alone show whether everything is refused.
    if (this.#unresolved > 0 && (this.#others > 1 || this.#firsts >= maxFirsts)) return this.#send(this.#sample())
    if (this.#unresolved > 0) return this.#send(this.#nextProbe())
    return this.#decide(others)
  }

  /** True if too many rows are refused alike for the rows to be the cause. */
  get #isEverything(): boolean {
    const alone = this.#candidates.filter(({ isAlone }) => isAlone).length
    return alone >= (this.#others > 2 ? maxAlone - 1 : maxAlone) || (alone > 0 && this.#firsts >= maxFirsts)
  }

  /** Decides when only candidates remain and nothing has succeeded. */
  #decide(others: Others): 'others' | 'nothing' {
    const [first, ...more] = this.#candidates
    if (!first) return 'others'
    if (others.waiting && (this.#others < 2 || more.length === 0)) return this.#control()
    const isNext = this.#believed !== null && this.#believed !== this.#options.keyOf(first.row)
    if (more.length > 0 || isNext) return this.#halt()
    // It is the only row: reject it once. The next such row counts as a sign that everything is refused.
    this.#rejectCandidates()
    this.#believed = this.#options.keyOf(first.row)
    this.#endIfIdle()
    return 'nothing'
  }

  #halt(): 'nothing' {
    const { keyOf } = this.#options
    const status = this.#candidates[0]?.letter.status ?? 0
    this.#refusedBefore.halted(this.#candidates.map(({ row }) => keyOf(row)))
    this.giveUp()
    this.#options.halt(status)
    return 'nothing'
  }

  /** Returns one random row of those that remain. */
  #sample(): { readonly rows: readonly R[]; readonly search: Search<R> | null } {
    const part = this.#searches[0]?.rows ?? this.#untried[0] ?? []
    const at = Math.floor(this.#options.random() * part.length)
    const sample = part.slice(at, at + 1)
    const rest = [...part.slice(0, at), ...part.slice(at + 1)]
    const [search] = this.#searches
    if (search) {
      const turned = { ...search, rows: [...sample, ...rest] }
      this.#searches[0] = turned
      return { rows: sample, search: turned }
    }
    this.#untried = [rest, ...this.#untried.slice(1)].filter((rows) => rows.length > 0)
    return { rows: sample, search: null }
  }

  #nextProbe(): { readonly rows: readonly R[]; readonly search: Search<R> | null } {
    const untried = this.#untried[0]
    if (untried) return { rows: untried, search: null }
    const [search] = this.#searches
    if (!search) return { rows: [], search: null }
    return { rows: search.rows.slice(0, firstProbeSize(search.rows.length)), search }
  }

  #send(probe: { readonly rows: readonly R[]; readonly search: Search<R> | null }): readonly R[] | 'others' {
    if (probe.rows.length === 0) return 'others'
    this.#probe = probe
    if (probe.search) this.#searches = this.#searches.filter((search) => search !== probe.search)
    else this.#untried = this.#untried.filter((rows) => rows !== probe.rows)
    return probe.rows
  }

  #control(): 'others' {
    this.#isControlled = true
    return 'others'
  }

  /** Ends the probe if the answer is to it. */
  #endProbe(rows: readonly R[]): { readonly isOurs: boolean; readonly search: Search<R> | null } {
    if (this.#probe?.rows !== rows) return { isOurs: false, search: null }
    const { search } = this.#probe
    this.#probe = null
    return { isOurs: true, search }
  }

  #refusedItself(row: R, letter: DeadLetter, isAlone: boolean): void {
    if (!this.#refusedBefore.isProven(this.#options.keyOf(row))) {
      this.#suspect(row, letter, isAlone)
      return
    }
    if (isAlone) this.#refusals--
    this.#finds++
    this.#options.refuse(row, letter)
  }

  #suspect(row: R, letter: DeadLetter, isAlone: boolean): void {
    this.#candidates.push({ row, letter, isAlone })
  }

  /** Skips the rest of a search whose first part was refused too: nothing is known of it. After many finds it is searched on its own. */
  #passBy(rows: readonly R[]): void {
    if (rows.length === 0) return
    if (this.#finds >= maxFinds || this.#others > 1) this.#untried.push(rows)
    else this.#passedBy.push(...rows)
  }

  /** Adds skipped rows to the requests of others, if any. @returns true if they wait with the others now. */
  #goBackToPassedBy(others: Others): boolean {
    if (this.#passedBy.length === 0) return false
    if (others.waiting || !this.#isProven) {
      this.#releasePassedBy()
      return true
    }
    this.#untried.push(this.#passedBy)
    this.#passedBy = []
    return false
  }

  #releasePassedBy(): void {
    for (const row of this.#passedBy) this.#options.release(row)
    this.#passedBy = []
    this.#endIfIdle()
  }

  #rejectCandidates(): void {
    for (const { row, letter } of this.#candidates) this.#options.refuse(row, letter)
    this.#finds += this.#candidates.length
    this.#candidates = []
  }

  #endIfIdle(): void {
    if (!this.isIdle) return
    this.#hasSucceeded = false
    this.#refusals = 0
    this.#isControlled = false
    this.#others = 0
    this.#firsts = 0
  }
}
