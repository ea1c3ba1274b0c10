import type { Signal } from './circuit.ts'
import type { FailedRowsResult } from './isolation/server-error-isolation.ts'
import type { BatchOutcome } from './outcome.ts'

/** Returns what an answer to a batch says about the API as a whole. */
export function signalOf(outcome: BatchOutcome): Signal {
  switch (outcome.kind) {
    case 'retry':
      return { kind: 'outage', reason: outcome.reason }
    case 'pause':
      return outcome.until === undefined
        ? { kind: 'rate limited', ms: outcome.ms }
        : { kind: 'told to wait', ms: outcome.ms, until: outcome.until }
    case 'halt':
      return { kind: 'halted', reason: outcome.reason }
    case 'unexpected success':
      return { kind: 'unexpected success', status: outcome.status, isProven: false }
    case 'accepted':
      return { kind: 'well' }
    case 'isolate':
    case 'split':
      return { kind: 'refused' }
  }
}

/** Returns what a batch says that was refused although the API accepts the keys. `rows`: the number of its rows. */
export function signalOfRefusal(verdict: FailedRowsResult, rows: number, status: number): Signal {
  // A row is rejected only if something else was accepted.
  if (verdict === 'rejected') return { kind: 'well' }
  return verdict === 'released' || rows === 1 ? { kind: 'rejecting', status } : { kind: 'refused' }
}

/** Returns what reading back a batch says, whose success was not a documented one. @param shown number of patients that are there. */
export function signalOfReadBack(shown: number, status: number): Signal {
  return shown > 0 ? { kind: 'unexpected success', status, isProven: true } : { kind: 'unproven success', status }
}
