import type { Debt, Debts } from '../model/progress/debt.ts'
import { type DurableLsn, type Lsn, maxLsn } from '../model/source/lsn.ts'

/** A span of the stream that ends with a commit: number of unsettled versions whose oldest debt it is, and neighbours in the stream. */
interface Span extends Debt {
  readonly commitLsn: Lsn
  /** Time at which it was received, milliseconds of the monotonic clock. */
  readonly sinceMs: number
  endLsn: Lsn | null
  hasChanges: boolean
  unsettled: number
  previous: Span | null
  next: Span | null
}

/** Meaning of a transaction's first message after a reconnection from the checkpoint. */
export type Arrival = 'new' | 'resumed' | 'known'

/**
 * The progress ledger. Every received transaction is a debt of unsettled versions; `settledLsn` is the end of the longest settled
 * prefix. Settled spans fold into their predecessor. A transaction of a million rows therefore costs one counter, and an outage
 * costs at most one span for each version that waits.
 */
export class Progress implements Debts {
  #settled: Lsn
  /** End of the last settled transaction that had changes. */
  #changed: Lsn
  #durable: DurableLsn
  #received: Lsn
  #first: Span | null = null
  #last: Span | null = null
  #open: Span | null = null
  #spans = 0
  /** Time at which the settled position last moved. */
  #movedAtMs = 0
  #nowMs = 0

  /** @param checkpoint the stored position from which the stream starts. */
  constructor(checkpoint: Lsn) {
    this.#settled = checkpoint
    this.#changed = checkpoint
    this.#durable = checkpoint as DurableLsn
    this.#received = checkpoint
  }

  /** LSN up to which everything is settled: a commit's end LSN, an idle keepalive's position, or the start. It only rises. */
  get settledLsn(): Lsn {
    return this.#settled
  }

  /** True if a settled transaction with changes is not stored: not only the server's position has moved. */
  get hasUnstoredChanges(): boolean {
    return this.#changed > this.#durable
  }

  /** The newest stored position: the only one that may be acknowledged. It only rises. */
  get durableLsn(): DurableLsn {
    return this.#durable
  }

  /** End of the newest transaction, or position of the newest keepalive, that was received completely. */
  get receivedLsn(): Lsn {
    return this.#received
  }

  get transactionOpen(): boolean {
    return this.#open !== null
  }

  /** The number of spans in memory: at most one more than the number of versions with a debt. */
  get spans(): number {
    return this.#spans
  }

  /** Age of the oldest transaction that is not settled, milliseconds; 0 if there is none. */
  oldestUnsettledMs(nowMs: number): number {
    return this.#first ? nowMs - this.#first.sinceMs : 0
  }

  /**
   * Time for which the settled position has not moved although something could be settled, milliseconds: a complete transaction
   * comes first, or one that cannot arrive because the stream is paused. @param pausedMs time for which the stream has been paused.
   */
  standstillMs(nowMs: number, pausedMs = 0): number {
    if (!this.#first) return 0
    const stoodMs = nowMs - Math.max(this.#movedAtMs, this.#first.sinceMs)
    return this.#first.endLsn === null ? Math.min(stoodMs, pausedMs) : stoodMs
  }

  /**
   * Handles a transaction's first message. After a reconnection, transactions that were received completely are `known` and to be
   * skipped; the one that was cut off is `resumed`. @throws {Error} if the stream resumes elsewhere than it was cut off.
   */
  begin(commitLsn: Lsn, nowMs = this.#nowMs): Arrival {
    this.#nowMs = nowMs
    if (commitLsn < this.#received) return 'known'
    if (this.#open) {
      if (this.#open.commitLsn === commitLsn) return 'resumed'
      throw new Error('the stream resumed with another transaction than the one that was cut off')
    }
    this.#open = {
      commitLsn,
      sinceMs: nowMs,
      endLsn: null,
      hasChanges: false,
      unsettled: 0,
      previous: this.#last,
      next: null,
    }
    this.#spans++
    if (this.#last) this.#last.next = this.#open
    else this.#first = this.#open
    this.#last = this.#open
    return 'new'
  }

  owe(): Debt {
    if (!this.#open) throw new Error('a change outside of a transaction')
    this.#open.unsettled++
    return this.#open
  }

  /**
   * Handles the open transaction's last message. @param endLsn end of its commit record: the next transaction may start exactly there.
   * @param hasChanges true if changes of the table came with it, whether they are debts or not.
   */
  commit(endLsn: Lsn, nowMs = this.#nowMs, hasChanges = true): void {
    this.#nowMs = nowMs
    const span = this.#open
    if (!span) throw new Error('a commit outside of a transaction')
    span.endLsn = endLsn
    span.hasChanges = hasChanges
    this.#open = null
    this.#received = maxLsn(this.#received, endLsn)
    if (span.unsettled === 0) this.#fold(span)
  }

  /** Handles a position without changes before it. Ignored in an open transaction; settled only while nothing is unsettled. */
  keepalive(lsn: Lsn, nowMs = this.#nowMs): void {
    this.#nowMs = nowMs
    if (this.#open) return
    this.#received = maxLsn(this.#received, lsn)
    if (this.#first === null) this.#settled = maxLsn(this.#settled, lsn)
  }

  join(a: Debt | null, b: Debt | null): Debt | null {
    if (a === null || b === null) return a ?? b
    const [older, newer] = a.commitLsn <= b.commitLsn ? [a, b] : [b, a]
    this.settle(newer)
    return older
  }

  settle(debt: Debt): void {
    const span = debt as Span
    if (span.unsettled < 1) throw new Error('a debt was settled twice')
    span.unsettled--
    if (span.unsettled === 0 && span.endLsn !== null) this.#fold(span)
  }

  /** Called after the position is stored, which allows its acknowledgement. @throws {Error} if it is not settled. */
  stored(lsn: Lsn): DurableLsn {
    if (lsn > this.#settled) throw new Error('a position was stored before everything in front of it was settled')
    this.#durable = maxLsn(this.#durable, lsn) as DurableLsn
    return this.#durable
  }

  /** Sets the time of the event that is being handled. */
  at(nowMs: number): void {
    this.#nowMs = nowMs
  }

  #settle(end: Lsn): void {
    this.#settled = maxLsn(this.#settled, end)
    this.#movedAtMs = this.#nowMs
  }

  /** Removes a settled span. Its end position passes to its predecessor, or to the settled prefix. */
  #fold(span: Span): void {
    const end = span.endLsn
    if (end === null) return
    this.#spans--
    if (span.previous) span.previous.next = span.next
    else this.#first = span.next
    if (span.next) span.next.previous = span.previous
    else this.#last = span.previous
    if (span.previous === null) {
      this.#settle(end)
      if (span.hasChanges) this.#changed = end
    } else if (span.previous.endLsn !== null) {
      span.previous.endLsn = maxLsn(span.previous.endLsn, end)
      span.previous.hasChanges ||= span.hasChanges
    }
  }
}
