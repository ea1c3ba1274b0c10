import type { Signal } from './circuit.ts'
import type { BatchOutcome } from './outcome.ts'

/** Returns what an answer to a batch says about the API as a whole. */
export function signalOf(outcome: BatchOutcome): Signal {
  switch (outcome.kind) {
    case 'retry':
      return { kind: 'outage', reason: outcome.reason }
    case 'pause':
      return { kind: 'rate limited', ms: outcome.ms }
    case 'halt':
      return { kind: 'halted', reason: outcome.reason }
    case 'accepted':
      return { kind: 'well' }
    case 'isolate':
    case 'split':
      return { kind: 'refused' }
  }
}
