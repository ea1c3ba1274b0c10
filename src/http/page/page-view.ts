import type { DeadLetterOverview } from '../../model/progress/dead-letter-overview.ts'
import type { Sample } from '../../model/status/sample.ts'
import type { DeliveryTrouble, Status } from '../../model/status/status.ts'

/** Content of the page. It contains codes and keys, no other value of a row. */
export interface PageView {
  readonly version: string
  readonly status: Status
  /** False once the process is stuck. */
  readonly healthy: boolean
  readonly trouble: DeliveryTrouble | null
  /** True if the slot will soon be lost, or is being lost. */
  readonly isSlotSoonLost: boolean
  /** Share of the rows recently read back that differed from the delivered content, 0 to 1. */
  readonly driftRatio: number
  /** Number of rows by their place; `status` counts requests. */
  readonly flow: { readonly live: number; readonly backfill: number; readonly inFlight: number }
  /** Grows while a backfill run makes progress. */
  readonly backfillMark: number
  readonly samples: readonly Sample[]
  readonly deadLetters: DeadLetterOverview
  /** Current time on the clock of the samples. */
  readonly monotonicMs: number
  readonly wallClockMs: number
}
