import type { BackfillLedger } from '../../../backfill/backfill-ledger.ts'
import type { Reload } from '../../../backfill/reload.ts'
import { Walk, type WalkedRead, type WalkStep } from '../../../backfill/walk.ts'
import type { ApiLimits } from '../../../model/api-limits.ts'
import { type BackfillRun, backfillRunTrust } from '../../../model/progress/backfill-run.ts'
import type { RowKey } from '../../../model/source/row.ts'
import { codeOf } from '../../../pending/entry/version.ts'
import type { Pending } from '../../../pending/pending.ts'
import type { CoreContext } from '../context.ts'
import type { Effect } from '../effects.ts'
import type { MappedRead, Ticket } from '../events.ts'
import { Retried } from '../retried.ts'
import type { ReadJob, ReadSource } from './table-reading.ts'

export interface BackfillingOptions {
  readonly context: CoreContext
  readonly pending: Pick<Pending, 'waiting' | 'sendable' | 'fill' | 'isSendingHeld'>
  readonly ledger: BackfillLedger
  readonly reload: Pick<Reload, 'postponed' | 'foundEmpty'>
  /** True while the API is known to refuse every patient alike. */
  readonly isRejecting: () => boolean
  readonly limits: Pick<ApiLimits, 'batchSize' | 'requestsPerMinute'>
}

/** Interval at which progress is reported, milliseconds. */
const tellEveryMs = 30_000
/** Seconds of the quota that the backfill keeps waiting in memory: enough that requests are full. */
const aheadSeconds = 2

/** The backfill runs that the store asks for, one after another. Each is fed as the pending set has room. */
export class Backfilling implements ReadSource {
  readonly #options: BackfillingOptions
  readonly #task: Retried
  readonly #maxAhead: number
  #current: { readonly run: BackfillRun; readonly walk: Walk } | null = null
  #lookAtMs = Number.NEGATIVE_INFINITY
  #isActive = false
  /** Run that found the table empty: its further attempts are not reported. */
  #putOffId: number | null = null
  #reads = 0
  #done = 0
  #tellAtMs: number | null = null

  constructor(options: BackfillingOptions) {
    const { requestsPerMinute, batchSize } = options.limits
    this.#options = options
    this.#task = new Retried(options.context.random)
    this.#maxAhead = Math.max(500, Math.ceil((requestsPerMinute / 60) * batchSize * aheadSeconds))
  }

  /** Sets whether this instance reads and sends. */
  activate(isActive: boolean): void {
    this.#isActive = isActive
  }

  /** The current run with the rows that it has settled; null if there is none. */
  get current(): (BackfillRun & { readonly rowsRead: number }) | null {
    if (!this.#current) return null
    const { run, walk } = this.#current
    const { rowsRead } = this.#options.ledger.progress ?? walk
    return { ...run, rowsRead }
  }
  /**
   * Counter that grows while a run makes progress: reads made plus rows settled. The second half of a run settles only rows that
   * are gone.
   */
  get mark(): number {
    return this.#reads + (this.current?.rowsRead ?? 0)
  }
  /** Number of runs that are done. */
  get done(): number {
    return this.#done
  }
  /** True while more rows will come even if nothing is delivered. */
  get isFeeding(): boolean {
    return this.#current !== null && !this.#current.walk.isOver && this.hasRoom
  }
  /**
   * True while rows that are read ahead may wait in memory. More may wait while every patient is refused alike: another row may be
   * accepted.
   */
  get hasRoom(): boolean {
    const { pending, isRejecting } = this.#options
    return this.hasRoomToRepeat || (isRejecting() && !this.#isAhead && pending.fill < 1)
  }
  /** True while rows that were in memory before may wait there again. */
  get hasRoomToRepeat(): boolean {
    const { pending } = this.#options
    if (this.#isAhead) return false
    const { live, backfill } = pending.sendable
    // Rows that are kept to find out which of them is bad may fill half of memory.
    return pending.fill < 0.5 || (live + backfill === 0 && pending.fill < 1)
  }
  get #isAhead(): boolean {
    return this.#options.pending.waiting.backfill >= this.#maxAhead
  }

  nextAtMs(nowMs: number): number | null {
    if (!this.#isActive || this.#options.pending.isSendingHeld) return null
    const retryAtMs = this.#task.nextAtMs(nowMs)
    if (retryAtMs !== null) return retryAtMs
    return !this.#current && !this.#task.isOut && this.#lookAtMs > nowMs ? this.#lookAtMs : null
  }

  effects(nowMs: number, out: Effect[]): void {
    const { ledger, context, pending } = this.#options
    const { tickets, intervals } = context
    if (this.#current?.walk.isOver && ledger.progress === null) this.#end()
    if (!this.#isActive || pending.isSendingHeld || !this.#task.mayBegin(nowMs)) return
    if (!this.#current) {
      if (nowMs < this.#lookAtMs) return
      this.#lookAtMs = nowMs + intervals.findBackfillMs
      const postponed = this.#options.reload.postponed(nowMs)
      const ticket = this.#task.begin(tickets.issue('find backfill'))
      out.push({ kind: 'find backfill', ticket, postponed })
      return
    }
    const step = this.hasRoom ? this.#current.walk.next : null
    if (step?.kind !== 'list known rows') return
    const { after, limit, codes } = step
    const ticket = this.#task.begin(tickets.issue('list known rows'))
    out.push({ kind: 'list known rows', ticket, after, limit, codes })
  }

  found(ticket: Ticket, run: BackfillRun | null): boolean {
    if (!this.#task.ends(ticket)) return false
    if (!run) return true
    const { ledger, context } = this.#options
    const isResumed = run.position !== null || run.rowsRead > 0
    this.#current = { run, walk: new Walk(run, ledger) }
    if (this.#putOffId !== run.id) context.facts.add({ kind: 'backfill started', run, isResumed })
    return true
  }

  listed(ticket: Ticket, keys: readonly RowKey[]): boolean {
    if (!this.#task.ends(ticket)) return false
    this.#current?.walk.listed(keys)
    return true
  }

  failed(ticket: Ticket, nowMs: number): boolean {
    return this.#task.fails(ticket, nowMs)
  }

  /**
   * Returns the next read of the run. In the second half, what it does not find is gone: a guard that holds a mass of removals until
   * somebody approves them belongs between such a read and its merge.
   */
  nextRead(): ReadJob | null {
    if (!this.#isActive || !this.#current || !this.hasRoom) return null
    const { walk, run } = this.#current
    const rows = readable(walk.next)
    if (!rows) return null
    return {
      rows,
      lane: 'backfill',
      distrusts: !backfillRunTrust[run.reason].fingerprints,
      keysOf: (read) => walk.keysOf(walkedRead(read)),
      openBackfillDebt: (read, keys) => walk.openBackfillDebt(walkedRead(read), keys),
      merged: (_stale, nowMs) => {
        this.#reads++
        this.#tellProgress(nowMs)
        if (walk.isPutOff) this.#putOff(run, nowMs)
        else if (walk.foundNothing) this.#options.context.facts.add({ kind: 'table empty', isPutOff: false })
      },
    }
  }

  #tellProgress(nowMs: number): void {
    const { current } = this
    this.#tellAtMs ??= nowMs + tellEveryMs
    if (!current || nowMs < this.#tellAtMs) return
    this.#tellAtMs = nowMs + tellEveryMs
    this.#options.context.facts.add({ kind: 'backfill progress', run: current })
  }

  /** The table is empty: goes on to another run, and takes this one up again later. */
  #putOff({ id }: BackfillRun, nowMs: number): void {
    if (this.#putOffId !== id) this.#options.context.facts.add({ kind: 'table empty', isPutOff: true })
    this.#putOffId = id
    this.#current = null
    this.#tellAtMs = null
    this.#options.reload.foundEmpty(nowMs)
  }

  #end(): void {
    this.#tellAtMs = null
    if (!this.#current) return
    const { run, walk } = this.#current
    this.#current = null
    this.#lookAtMs = Number.NEGATIVE_INFINITY
    this.#options.context.facts.add({ kind: 'backfill done', run, rowsRead: walk.rowsRead })
    this.#done++
  }
}

function readable(step: WalkStep | null): Exclude<WalkStep, { kind: 'list known rows' }> | null {
  return step && step.kind !== 'list known rows' ? step : null
}

function walkedRead({ rows, page, valueBytes, tookMs }: MappedRead): WalkedRead {
  const codes = new Map([...rows].map(([key, { content }]) => [key, codeOf(content)]))
  return { codes, page, valueBytes, tookMs }
}
