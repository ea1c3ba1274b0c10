import type { Lsn } from '../../../model/source/lsn.ts'
import { sees, type Xid } from '../../../model/source/visibility.ts'
import type { MappedRead } from '../events.ts'
import type { Facts } from '../facts.ts'

/** TRUNCATE of the table, by the commit LSN and the id of its transaction. */
export interface Truncation {
  readonly commitLsn: Lsn
  readonly xid: Xid
}

export interface TruncationsOptions {
  readonly onTruncate: 'reconcile' | 'ignore'
  readonly facts: Facts
}

/**
 * TRUNCATEs of the table. One is a change of every row that the store knows, and the stream does not name the rows (rule 19). Under
 * `reconcile` the write that lets the checkpoint pass it requests a backfill run, which finds the rows that are gone.
 */
export class Truncations {
  readonly #options: TruncationsOptions
  /** The newest of this process. A later one has waited for the lock of an earlier one: whoever sees it sees both. */
  #newest: Truncation | null = null
  #toRecord: Truncation | null = null

  constructor(options: TruncationsOptions) {
    this.#options = options
  }

  /** True if the rows that a TRUNCATE took away are to be found. */
  get isReconciled(): boolean {
    return this.#options.onTruncate === 'reconcile'
  }

  /** The stream brought a TRUNCATE. The rest of its transaction may follow: reads that are merged until then must have seen it too. */
  received(truncation: Truncation): void {
    this.#newest = truncation
  }
  /** A transaction with a TRUNCATE was received whole. */
  committed(truncation: Truncation): void {
    if (this.isReconciled) this.#toRecord = truncation
    this.#options.facts.add({ kind: 'truncated', isIgnored: !this.isReconciled })
  }

  get newest(): Truncation | null {
    return this.#newest
  }

  /** Returns true if a read was made after every TRUNCATE that the stream has brought. */
  isIn({ snapshot, containsLsn }: Pick<MappedRead, 'snapshot' | 'containsLsn'>): boolean {
    if (this.#newest === null) return true
    const { commitLsn, xid } = this.#newest
    return containsLsn === null ? sees(snapshot, xid) : commitLsn < containsLsn
  }

  /** Returns the TRUNCATE for which the next write requests a backfill run; null if there is none. */
  get toRecord(): Truncation | null {
    return this.#toRecord
  }
  recorded(truncation: Truncation): void {
    if (this.#toRecord === truncation) this.#toRecord = null
  }
}
