import type { ApiLimits } from '../model/api-limits.ts'
import { type Lsn, lsn } from '../model/source/lsn.ts'

/** View of a running pipeline from which the amount to send is derived. */
export interface DrainedPipeline {
  view(): {
    readonly receivedLsn: Lsn
    readonly isTransactionOpen: boolean
    readonly isPaused: boolean
    readonly patientsInFlight: number
    readonly waiting: { readonly live: number }
    readonly trouble: { readonly reason: string } | null
  }
}

/** Average number of our rows per byte of WAL so far: the only way to estimate the rows in the rest of the WAL. */
export class StreamDensity {
  #pipeline: unknown = null
  #receivedLsn = lsn(0n)
  #receivedRows = 0
  #bytes = 0
  #rows = 0

  /** Counts the rows received since the last call. @param receivedRows since the start of the process. */
  look(pipeline: DrainedPipeline, receivedRows: number): void {
    const { receivedLsn, isTransactionOpen } = pipeline.view()
    // The rows of an open transaction were received, but no position includes them yet.
    if (isTransactionOpen) return
    if (pipeline === this.#pipeline) {
      this.#bytes += Number(receivedLsn - this.#receivedLsn)
      this.#rows += receivedRows - this.#receivedRows
    }
    this.#pipeline = pipeline
    this.#receivedLsn = receivedLsn
    this.#receivedRows = receivedRows
  }

  /** Null: nothing has been received yet. */
  get rowsPerByte(): number | null {
    return this.#bytes > 0 ? this.#rows / this.#bytes : null
  }
}

/** Changes to send: in memory, and in WAL that was not received yet. */
export interface Undelivered {
  readonly rows: number
  readonly unreadBytes: number
}

/**
 * Returns the changes to send; null if not known. Without a pipeline all WAL after the confirmed position comes again. The rest of a
 * transaction that does not fit in memory is not known, because the stream does not tell its size. Pure.
 */
export function undelivered(
  pipeline: DrainedPipeline | null,
  { currentLsn, lagBytes }: { readonly currentLsn: Lsn; readonly lagBytes: number },
): Undelivered | null {
  if (pipeline === null) return { rows: 0, unreadBytes: lagBytes }
  const { isPaused, isTransactionOpen, waiting, patientsInFlight, receivedLsn } = pipeline.view()
  if (isPaused && isTransactionOpen) return null
  const rows = waiting.live + patientsInFlight
  return { rows, unreadBytes: Math.max(0, Number(currentLsn - receivedLsn)) }
}

/** Returns an upper bound at the quota: several changes of a row can be sent as one. Null: not known. Pure. */
export function secondsToDrain(
  left: Undelivered | null,
  rowsPerByte: number | null,
  quota: Pick<ApiLimits, 'batchSize' | 'requestsPerMinute'>,
): number | null {
  if (left === null || (rowsPerByte === null && left.unreadBytes > 0)) return null
  const rows = left.rows + Math.round(left.unreadBytes * (rowsPerByte ?? 0))
  return Math.ceil((Math.ceil(rows / quota.batchSize) * 60) / quota.requestsPerMinute)
}
