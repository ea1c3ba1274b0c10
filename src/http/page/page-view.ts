import type { DeadLetterOverview } from '../../model/progress/dead-letter-overview.ts'
import type { Sample } from '../../model/status/sample.ts'
import type { DeliveryTrouble, Status } from '../../model/status/status.ts'

/** All that the page shows. Codes and keys, no other value of a row. */
export interface PageView {
  readonly version: string
  readonly status: Status
  /** False once the process is wedged. */
  readonly healthy: boolean
  readonly trouble: DeliveryTrouble | null
  /** The slot is about to be lost, or being lost. */
  readonly isSlotSoonLost: boolean
  /** The share of the rows read back lately that differed from what was delivered, 0 to 1. */
  readonly driftRatio: number
  /** Rows, by where they are; `status` counts requests. */
  readonly flow: { readonly live: number; readonly backfill: number; readonly inFlight: number }
  /** Grows while a pass over the table gets on. */
  readonly backfillMark: number
  readonly samples: readonly Sample[]
  readonly deadLetters: DeadLetterOverview
  /** Of the samples' clock. */
  readonly monotonicMs: number
  readonly wallClockMs: number
}
