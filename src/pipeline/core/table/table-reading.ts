import { nextPageSize } from '../../../backfill/page-size.ts'
import type { BackfillDebt } from '../../../model/progress/debt.ts'
import type { Lane } from '../../../model/progress/lane.ts'
import type { StoredRow } from '../../../model/progress/stored-row.ts'
import type { RowKey } from '../../../model/source/row.ts'
import type { Snapshot } from '../../../model/source/visibility.ts'
import type { LookUp } from '../../../pending/entry/entry.ts'
import { versionBytes } from '../../../pending/entry/version.ts'
import type { Pending } from '../../../pending/pending.ts'
import type { CoreContext } from '../context.ts'
import type { Effect, RowsToRead } from '../effects.ts'
import type { MappedRead, Ticket } from '../events.ts'
import { Retried } from '../retried.ts'
import type { Truncations } from '../stream/truncations.ts'

/** A read that a source requests, and its purpose. */
export interface ReadJob {
  readonly rows: RowsToRead
  readonly lane: Lane
  /** True if what the store says that the API accepted of these rows is wrong. */
  readonly distrusts: boolean
  /** Returns the keys that the read answers for, whether it found the rows or not. */
  keysOf(read: MappedRead): readonly RowKey[]
  /** Returns the backfill debt of the rows. Called once, when the read can no longer fail. */
  openBackfillDebt(read: MappedRead, keys: readonly RowKey[]): BackfillDebt | null
  /** Called after the read is merged. @param stale number of rows for which it was older than what is known. */
  merged(stale: number, nowMs: number): void
}

/** Source of reads. */
export interface ReadSource {
  /** @param limit maximum number of rows of a read by key: fewer if the rows are large. */
  nextRead(nowMs: number, limit: number): ReadJob | null
}

export interface TableReadingOptions {
  readonly context: Omit<CoreContext, 'intervals'>
  readonly pending: Pick<
    Pending,
    'mayTakeContent' | 'toRead' | 'expect' | 'lookedUp' | 'distrust' | 'read' | 'endRead' | 'isSendingHeld'
  >
  readonly order: {
    /** Rule 1: transactions that ran when the slot was created may still be open. */
    readonly isSlotGapOpen: boolean
    readonly truncations: Pick<Truncations, 'isIn'>
    /** Called when a read is merged: no older one is open. */
    readonly onMerged: (snapshot: Snapshot) => void
  }
  /** Sources of reads when no change waits for one, the most urgent first. */
  readonly sources: readonly ReadSource[]
  /** Returns true if rows could be sent and none can leave: they may wait for what a read returns. */
  readonly isFruitless: (nowMs: number) => boolean
  /** Maximum number of rows of a read by key. */
  readonly maxRows: number
}

/** Rows of the first read by key, before the size of the rows is known. */
const rowsReadFirst = 50
/** A read that is older than the change it is for is repeated after this time, milliseconds. */
export const readAgainMs = 250
/** Time that transactions from before the slot may delay reads before a warning, milliseconds. */
const gapWarningMs = 60_000

/** Reads the table, one read after another: rule 2. Reads that a change waits for come first, then those of the sources. */
export class TableReading {
  readonly #options: TableReadingOptions
  readonly #task: Retried
  #isGapOpen: boolean
  #warnAtMs: number | null = null
  #readAgainAtMs = Number.NEGATIVE_INFINITY
  /** Rows that the next read by key may request, derived from the reads before. */
  #limit: number
  #job: ReadJob | null = null
  /** A read that waits for the records of rows that were not in memory. */
  #waiting: { readonly read: MappedRead; readonly keys: readonly RowKey[]; asked: readonly LookUp[] } | null = null

  constructor(options: TableReadingOptions) {
    this.#options = options
    this.#task = new Retried(options.context.random)
    this.#isGapOpen = options.order.isSlotGapOpen
    this.#limit = Math.min(rowsReadFirst, options.maxRows)
  }

  /** True if reads are allowed: nothing else may forbid them (rule 10). */
  get mayRead(): boolean {
    return !this.#isGapOpen && !this.#options.pending.isSendingHeld
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
    const { pending, context } = this.#options
    const { tickets } = context
    if (pending.isSendingHeld || !this.#task.mayBegin(nowMs)) return
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
      this.#options.context.facts.add({ kind: 'reads wait for slot gap' })
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
    if (!this.#options.order.truncations.isIn(read)) {
      this.#task.postpone(nowMs + readAgainMs)
      return true
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
    if (this.#options.order.truncations.isIn(this.#waiting.read)) this.#merge(nowMs)
    else {
      // The table was truncated while the records were loaded.
      this.#options.pending.endRead()
      this.#waiting = null
      this.#task.postpone(nowMs + readAgainMs)
    }
    return true
  }

  failed(ticket: Ticket, nowMs: number): boolean {
    if (!this.#task.fails(ticket, nowMs)) return false
    // A read whose records cannot be loaded becomes old: repeat it.
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

  /** Reads the rows of changes that came without their content. */
  #forChanges(keys: readonly RowKey[]): ReadJob {
    return {
      rows: { kind: 'keys', keys },
      lane: 'live',
      distrusts: false,
      keysOf: () => keys,
      openBackfillDebt: () => null,
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
    const backfillDebt = job.openBackfillDebt(read, keys)
    const { snapshot, endLsn, containsLsn, readAtMs } = read
    const { lane } = job
    let stale = 0
    for (const key of keys) {
      const { content, bytes } = read.rows.get(key) ?? absent
      if (!pending.read({ key, content, snapshot, endLsn, containsLsn, readAtMs, lane, bytes, backfillDebt })) stale++
    }
    pending.endRead()
    this.#options.order.onMerged(snapshot)
    job.merged(stale, nowMs)
  }
}

const absent = { content: { kind: 'removed', code: null, patient: null }, bytes: versionBytes } as const
