import type { Progress } from '../../checkpoint/progress.ts'
import type { Pending } from '../../pending/pending.ts'
import type { CodeFetching } from './delivery/code-fetching.ts'
import type { Sending } from './delivery/sending.ts'
import type { Unsubscribing } from './delivery/unsubscribing.ts'
import type { Forgetting } from './record/forgetting.ts'
import type { Loading } from './record/loading.ts'
import type { Recording } from './record/recording.ts'
import type { BackPressure } from './stream/back-pressure.ts'
import type { Receiving } from './stream/receiving.ts'
import type { Truncations } from './stream/truncations.ts'
import type { Backfilling } from './table/backfilling.ts'
import type { OwedRows } from './table/owed-rows.ts'
import type { TableReading } from './table/table-reading.ts'
import type { Tickets } from './tickets.ts'

/** Parts of a core, grouped by what they work with, as the folders are. */
export interface CoreParts {
  readonly pending: Pending
  readonly tickets: Tickets
  readonly stream: {
    readonly receiving: Receiving
    readonly backPressure: BackPressure
    readonly truncations: Truncations
  }
  readonly table: {
    readonly reading: TableReading
    readonly backfilling: Backfilling
    /** Owed rows, one part for each purpose of reading them. */
    readonly owed: readonly OwedRows[]
  }
  readonly record: {
    readonly progress: Progress
    readonly loading: Loading
    readonly recording: Recording
    readonly forgetting: Forgetting
  }
  readonly delivery: {
    readonly sending: Sending
    readonly fetching: CodeFetching
    readonly unsubscribing: Unsubscribing
  }
}
