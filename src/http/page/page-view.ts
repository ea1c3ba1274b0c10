import type { RaisedProblem } from '../../model/problem/problem.ts'
import type { DeadLetterOverview } from '../../model/progress/dead-letter-overview.ts'
import type { Sample } from '../../model/status/sample.ts'
import type { Status } from '../../model/status/status.ts'

/** Content of the page. It contains codes and keys, no other value of a row. */
export interface PageView {
  readonly version: string
  readonly status: Status
  /** The problems of the status, as facts. */
  readonly problems: readonly RaisedProblem[]
  /** Number of rows by their place; `status` counts requests. */
  readonly flow: { readonly live: number; readonly backfill: number; readonly inFlight: number }
  readonly samples: readonly Sample[]
  readonly deadLetters: DeadLetterOverview
  /** Current time on the clock of the samples. */
  readonly monotonicMs: number
  readonly wallClockMs: number
}
