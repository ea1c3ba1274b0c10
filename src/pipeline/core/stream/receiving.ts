import type { Reload } from '../../../backfill/reload.ts'
import type { Progress } from '../../../checkpoint/progress.ts'
import type { Lsn } from '../../../model/source/lsn.ts'
import { widenXid, type Xid } from '../../../model/source/visibility.ts'
import { unreachable } from '../../../model/unreachable.ts'
import type { Pending } from '../../../pending/pending.ts'
import type { MappedWalEvent } from '../events.ts'
import type { Facts } from '../facts.ts'
import type { Truncations } from './truncations.ts'

export interface ReceivingOptions {
  readonly progress: Pick<Progress, 'begin' | 'commit' | 'keepalive' | 'receivedLsn'>
  readonly pending: Pick<Pending, 'streamed' | 'begun' | 'committed' | 'passed' | 'truncated'>
  readonly facts: Facts
  readonly truncations: Pick<Truncations, 'received' | 'committed' | 'isReconciled'>
  readonly reload: Pick<Reload, 'truncated' | 'inserted'>
  /** A recent 64-bit transaction id, by which the stream's 32 bits are widened. */
  readonly nearXid: Xid
}

/**
 * Gives each change its position in the stream. Drops what a reconnection from the checkpoint delivers again: whole transactions
 * that were received, and the received part of the transaction that was cut off.
 */
export class Receiving {
  readonly #options: ReceivingOptions
  #nearXid: Xid
  #open: { readonly commitLsn: Lsn; readonly xid: Xid; readonly committedAtMs: number } | null = null
  #isSkipping = false
  #isTruncating = false
  #ordinal = 0
  #received = 0

  constructor(options: ReceivingOptions) {
    this.#options = options
    this.#nearXid = options.nearXid
  }

  /** Commit LSN of the transaction that is still arriving. */
  get openCommitLsn(): Lsn | null {
    return this.#open?.commitLsn ?? null
  }

  /** Notes a recent transaction id. A table that is quiet for 2^31 transactions of others has no recent one of its own. */
  sawXid(now: Xid): void {
    if (now > this.#nearXid) this.#nearXid = now
  }

  /** Handles one WAL event. @throws {Error} if the events are not in the protocol's order. */
  receive(wal: MappedWalEvent, nowMs: number): void {
    const { progress, pending, facts, truncations } = this.#options
    switch (wal.kind) {
      case 'begin': {
        const arrival = progress.begin(wal.commitLsn, nowMs)
        this.#isSkipping = arrival === 'known'
        if (this.#isSkipping) return
        if (arrival === 'new') this.#received = 0
        this.#ordinal = 0
        this.#isTruncating = false
        this.#nearXid = widenXid(wal.xid, this.#nearXid)
        this.#open = { commitLsn: wal.commitLsn, xid: this.#nearXid, committedAtMs: wal.committedAtMs }
        pending.begun(wal.commitLsn)
        return
      }
      case 'change': {
        if (this.#isSkipping) return
        if (!this.#open) throw new Error('a change outside of a transaction')
        this.#ordinal++
        if (this.#ordinal <= this.#received) return
        this.#received = this.#ordinal
        facts.add({ kind: 'received', operation: wal.operation, changes: 1 })
        if (wal.operation === 'insert') this.#options.reload.inserted(nowMs)
        const { commitLsn, xid, committedAtMs } = this.#open
        const position = { commitLsn, ordinal: this.#ordinal }
        // Name each property: a spread followed by other properties makes objects that V8 keeps as hash tables, which is slow.
        for (const { key, content, bytes } of wal.rows)
          pending.streamed({ key, position, xid, committedAtMs, content, bytes })
        return
      }
      case 'commit':
        if (!this.#isSkipping) {
          if (this.#open && this.#isTruncating) truncations.committed(this.#open)
          progress.commit(wal.commitEndLsn, nowMs, this.#ordinal > 0)
          this.#open = null
          pending.committed()
        }
        this.#isSkipping = false
        pending.passed(progress.receivedLsn)
        return
      case 'keepalive':
        progress.keepalive(wal.lsn, nowMs)
        pending.passed(progress.receivedLsn)
        return
      case 'truncate':
        if (this.#isSkipping) return
        if (!this.#open) throw new Error('a TRUNCATE outside of a transaction')
        this.#isTruncating = true
        this.#options.truncations.received(this.#open)
        if (this.#options.truncations.isReconciled) this.#options.pending.truncated()
        this.#options.reload.truncated(nowMs)
        return
      default:
        unreachable(wal)
    }
  }
}
