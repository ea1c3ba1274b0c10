import type { BatchOutcome } from '../../../src/delivery/outcome.ts'
import type { Delivery } from '../../../src/pending/entry/version.ts'
import type { Ticket } from '../../../src/pipeline/core/events.ts'

/** Request in flight. `outcome` is the answer of the API; null: the request has not arrived. */
export interface Flight {
  readonly ticket: Ticket
  readonly batch: readonly Delivery[]
  readonly numbers: readonly number[]
  /** Time at which the client gives it up. */
  readonly untilMs: number
  outcome: BatchOutcome | null
}

export function describeFlight({ batch, numbers }: Flight): string {
  return batch
    .map(
      ({ purpose, key, code, patient }, at) =>
        `${purpose} ${code}=${patient.first_name} (version ${numbers[at]} of ${key})`,
    )
    .join(', ')
}
