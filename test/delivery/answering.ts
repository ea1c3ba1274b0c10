import type { BatchOutcome } from '../../src/delivery/dispatcher.ts'
import { accepted, dispatching } from './dispatching.ts'

/**
 * A dispatcher that runs, with as many rows in each request as told, answered by hand: on a clock that stands still but for what
 * an answer takes. A request is named by its codes.
 */
export function answering(codes: readonly string[], { batchSize = 1 }: { readonly batchSize?: number } = {}) {
  const clock = { nowMs: 1_000_000 }
  const out = new Map<string, (outcome: BatchOutcome) => void>()
  const hold = (sent: readonly string[]) => new Promise<BatchOutcome>((resolve) => void out.set(sent.join(''), resolve))
  const dispatch = dispatching(codes, hold, { batchSize, maxInFlight: 8, monotonicMs: () => clock.nowMs })
  /** Once nothing moves any more: all that the dispatcher waits for is promised by this harness. */
  const atRest = () => new Promise<void>((resolve) => void setImmediate(resolve))
  return {
    dispatch,
    clock,
    atRest,
    /** The requests that are out, once nothing moves. */
    async out(): Promise<readonly string[]> {
      await atRest()
      return [...out.keys()]
    },
    async answer(request: string, outcome: BatchOutcome, afterMs = 0) {
      await atRest()
      const resolve = out.get(request)
      if (!resolve) throw new Error(`${request} is not out: ${[...out.keys()].join(' ')}`)
      out.delete(request)
      clock.nowMs += afterMs
      resolve(outcome)
      await atRest()
    },
    /** Ends it; what is out is accepted. */
    async end() {
      const drained = dispatch.drain()
      for (const resolve of out.values()) resolve(accepted)
      await drained
    },
  }
}
