import type { Change, WalEvent } from '../model/change.ts'
import type { Lsn } from '../model/lsn.ts'
import type { Position } from '../model/position.ts'
import { widenXid, type Xid } from '../model/visibility.ts'

/** What the reader needs of the progress ledger. */
export interface Arrivals {
  begin(commitLsn: Lsn): 'new' | 'resumed' | 'known'
  commit(endLsn: Lsn): void
  keepalive(lsn: Lsn): void
}

export interface PlacedChange {
  readonly change: Change
  readonly position: Position
  readonly xid: Xid
  readonly committedAtMs: number
  readonly bytes: number
}

export interface TransactionReaderOptions {
  readonly arrivals: Arrivals
  /** A 64-bit transaction id of about now, by which the stream's 32 bits are widened. */
  readonly nearXid: Xid
  readonly onChange: (change: PlacedChange) => void
  readonly onTruncate: () => void
}

/**
 * Gives each change its place in the stream, and drops what a reconnection from the checkpoint brings again: whole
 * transactions that were received, and the first part of the one that was cut off.
 */
export class TransactionReader {
  readonly #options: TransactionReaderOptions
  #nearXid: Xid
  #open: { readonly commitLsn: Lsn; readonly xid: Xid; readonly committedAtMs: number } | null = null
  #skipping = false
  #ordinal = 0
  #received = 0

  constructor(options: TransactionReaderOptions) {
    this.#options = options
    this.#nearXid = options.nearXid
  }

  /** A transaction id of about now. A table that is quiet for 2^31 transactions of others has none of its own to go by. */
  sawXid(now: Xid): void {
    if (now > this.#nearXid) this.#nearXid = now
  }

  /** @throws {Error} if the events are not in the protocol's order. */
  receive(event: WalEvent): void {
    const { arrivals } = this.#options
    switch (event.kind) {
      case 'begin': {
        const arrival = arrivals.begin(event.commitLsn)
        this.#skipping = arrival === 'known'
        if (this.#skipping) return
        if (arrival === 'new') this.#received = 0
        this.#ordinal = 0
        this.#nearXid = widenXid(event.xid, this.#nearXid)
        this.#open = { commitLsn: event.commitLsn, xid: this.#nearXid, committedAtMs: event.committedAtMs }
        return
      }
      case 'change': {
        if (this.#skipping) return
        if (!this.#open) throw new Error('a change outside of a transaction')
        this.#ordinal++
        if (this.#ordinal <= this.#received) return
        this.#received = this.#ordinal
        const { commitLsn, xid, committedAtMs } = this.#open
        this.#options.onChange({
          change: event.change,
          position: { commitLsn, ordinal: this.#ordinal },
          xid,
          committedAtMs,
          bytes: event.bytes,
        })
        return
      }
      case 'commit':
        if (!this.#skipping) {
          arrivals.commit(event.commitEndLsn)
          this.#open = null
        }
        this.#skipping = false
        return
      case 'keepalive':
        arrivals.keepalive(event.lsn)
        return
      case 'truncate':
        if (!this.#skipping) this.#options.onTruncate()
    }
  }
}
