import { nextPageSize } from '../../../backfill/page-size.ts'
import type { Claim } from '../../../model/progress/debt.ts'
import type { Lane } from '../../../model/progress/lane.ts'
import type { StoredRow } from '../../../model/progress/stored-row.ts'
import type { RowKey } from '../../../model/source/row.ts'
import type { LookUp } from '../../../pending/entry/entry.ts'
import { versionBytes } from '../../../pending/entry/version.ts'
import type { Pending } from '../../../pending/pending.ts'
import type { Effect, RowsToRead } from '../effects.ts'
import type { MappedRead, Ticket } from '../events.ts'
import type { Facts } from '../facts.ts'
import { Retried } from '../retried.ts'
import type { Tickets } from '../tickets.ts'

/** A read that somebody wants, and what it is for. */
export interface ReadJob {
  readonly rows: RowsToRead
  readonly lane: Lane
  /** What the store says that the API accepted of these rows is wrong. */
  readonly distrusts: boolean
  /** The keys that the read answers for, whether it found them or not. */
  keysOf(read: MappedRead): readonly RowKey[]
  /** Called once, when nothing of the read can fail any more. */
  claim(read: MappedRead, keys: readonly RowKey[]): Claim | null
  /** It is merged. @param stale rows for which it was older than what is known. */
  merged(stale: number, nowMs: number): void
}

/** Who wants reads. */
export interface ReadSource {
  /** @param limit rows that a read by key may ask for: fewer if the rows are large. */
  nextRead(nowMs: number, limit: number): ReadJob | null
}

export interface TableReadingOptions {
  readonly pending: Pick<
    Pending,
    'mayTakeContent' | 'toRead' | 'expect' | 'lookedUp' | 'distrust' | 'read' | 'endRead' | 'held'
  >
  /** Those that want reads when no change waits for one, the most urgent first. */
  readonly sources: readonly ReadSource[]
  /** Whether rows could be sent, and none can leave: what is read may be what they wait for. */
  readonly isFruitless: (nowMs: number) => boolean
  readonly tickets: Tickets
  readonly facts: Facts
  readonly random: () => number
  /** MERGE rule 1: transactions that ran when the slot was made may still be open. */
  readonly isSlotGapOpen: boolean
  /** Rows that a read by key asks for at most. */
  readonly maxRows: number
}

/** Rows that a read by key asks for at first: what they weigh is not known before. */
const rowsReadFirst = 50
/** A read that is older than the change it is for is repeated after this, milliseconds. */
export const readAgainMs = 250
/** How long transactions from before the slot may keep reads waiting before somebody is told, milliseconds. */
const gapWarningMs = 60_000

/** Every read of the table, one after another: MERGE rule 2. First those that a change waits for, then the others'. */
export class TableReading {
  readonly #options: TableReadingOptions
  readonly #task: Retried
  #isGapOpen: boolean
  #warnAtMs: number | null = null
  #readAgainAtMs = Number.NEGATIVE_INFINITY
  /** Rows that the next read by key may ask for, as far as the reads before have shown. */
  #limit: number
  #job: ReadJob | null = null
  /** A read that waits for the records of rows that were not in memory. */
  #waiting: { readonly read: MappedRead; readonly keys: readonly RowKey[]; asked: readonly LookUp[] } | null = null

  constructor(options: TableReadingOptions) {
    this.#options = options
    this.#task = new Retried(options.random)
    this.#isGapOpen = options.isSlotGapOpen
    this.#limit = Math.min(rowsReadFirst, options.maxRows)
  }

  /** Whether reads are allowed: nothing else may forbid them (MERGE rule 10). */
  get mayRead(): boolean {
    return !this.#isGapOpen && !this.#options.pending.held
  }
  get isIdle(): boolean {
    return this.#job === null && !this.#task.isOut
  }

  nextAtMs(nowMs: number): number | null {
    const retryAtMs = this.#task.nextAtMs(nowMs)
    if (retryAtMs !== null) return retryAtMs
    const isWanted = this.#mayTakeContent(nowMs) && this.#options.pending.toRead(1).length > 0
    return isWanted && !this.#task.isOut && this.#readAgainAtMs > nowMs ? this.#readAgainAtMs : null
  }

  effects(nowMs: number, out: Effect[]): void {
    const { pending, tickets } = this.#options
    if (pending.held || !this.#task.mayBegin(nowMs)) return
    if (this.#isGapOpen) {
      out.push({ kind: 'check slot gap', ticket: this.#task.begin(tickets.issue('check slot gap')) })
      return
    }
    if (this.#waiting) {
      const keys = this.#waiting.asked.map(({ key }) => key)
      out.push({ kind: 'load records', ticket: this.#task.begin(tickets.issue('load records')), keys })
      return
    }
    this.#job ??= this.#nextJob(nowMs)
    if (!this.#job) return
    const ticket = this.#task.begin(tickets.issue('read rows'))
    out.push({ kind: 'read rows', ticket, rows: this.#job.rows })
  }

  gapChecked(ticket: Ticket, isClosed: boolean, nowMs: number): boolean {
    if (!this.#task.ends(ticket)) return false
    this.#isGapOpen = !isClosed
    if (isClosed) return true
    this.#task.postpone(nowMs + readAgainMs)
    this.#warnAtMs ??= nowMs + gapWarningMs
    if (nowMs >= this.#warnAtMs) {
      this.#warnAtMs = nowMs + gapWarningMs
      this.#options.facts.add({ kind: 'reads wait for slot gap' })
    }
    return true
  }

  rowsRead(ticket: Ticket, read: MappedRead, nowMs: number): boolean {
    const job = this.#job
    if (!job || !this.#task.ends(ticket)) return false
    if (job.rows.kind === 'keys') {
      const next = nextPageSize({ limit: this.#limit, ms: read.tookMs, bytes: read.valueBytes })
      this.#limit = Math.min(this.#options.maxRows, next)
    }
    const keys = job.keysOf(read)
    const asked = this.#options.pending.expect(keys)
    this.#waiting = { read, keys, asked }
    if (asked.length === 0) this.#merge(nowMs)
    return true
  }

  recordsLoaded(
    ticket: Ticket,
    { rows, shared }: { readonly rows: ReadonlyMap<RowKey, StoredRow>; readonly shared: ReadonlySet<RowKey> },
    nowMs: number,
  ): boolean {
    if (!this.#waiting || !this.#task.ends(ticket)) return false
    for (const row of this.#waiting.asked)
      this.#options.pending.lookedUp(row, rows.get(row.key) ?? null, shared.has(row.key))
    this.#merge(nowMs)
    return true
  }

  failed(ticket: Ticket, nowMs: number): boolean {
    if (!this.#task.fails(ticket, nowMs)) return false
    // A read whose records cannot be loaded grows old: it is made again.
    if (this.#waiting) this.#options.pending.endRead()
    this.#waiting = null
    return true
  }

  #nextJob(nowMs: number): ReadJob | null {
    const { pending } = this.#options
    const mayRead = nowMs >= this.#readAgainAtMs && this.#mayTakeContent(nowMs)
    const keys = mayRead ? pending.toRead(this.#limit) : []
    if (keys.length > 0) return this.#forChanges(keys)
    for (const source of this.#options.sources) {
      const job = source.nextRead(nowMs, this.#limit)
      if (job) return job
    }
    return null
  }

  #mayTakeContent(nowMs: number): boolean {
    const { pending, isFruitless } = this.#options
    return pending.mayTakeContent || isFruitless(nowMs)
  }

  /** The rows of changes that came without their content. */
  #forChanges(keys: readonly RowKey[]): ReadJob {
    return {
      rows: { kind: 'keys', keys },
      lane: 'live',
      distrusts: false,
      keysOf: () => keys,
      claim: () => null,
      merged: (stale, nowMs) => {
        if (stale > 0) this.#readAgainAtMs = nowMs + readAgainMs
      },
    }
  }

  #merge(nowMs: number): void {
    const { pending } = this.#options
    const { read, keys } = this.#waiting ?? {}
    const job = this.#job
    if (!read || !keys || !job) return
    this.#waiting = null
    this.#job = null
    if (job.distrusts) pending.distrust(keys)
    const claim = job.claim(read, keys)
    const { snapshot, endLsn, containsLsn, readAtMs } = read
    const { lane } = job
    let stale = 0
    for (const key of keys) {
      const { content, bytes } = read.rows.get(key) ?? absent
      if (!pending.read({ key, content, snapshot, endLsn, containsLsn, readAtMs, lane, bytes, claim })) stale++
    }
    pending.endRead()
    job.merged(stale, nowMs)
  }
}

const absent = { content: { kind: 'removed', code: null, patient: null }, bytes: versionBytes } as const
