import type { Clocks } from '../../src/lifecycle/clocks.ts'

/** Clocks of a connector that a test moves forward. */
export interface PassingClocks extends Clocks {
  /** Moves the clocks forward. Timers are not affected: what the connector computes from its clocks has become later, and nothing else. */
  pass(ms: number): void
}

export function passingClocks(): PassingClocks {
  let passedMs = 0
  return {
    monotonicMs: () => performance.now() + passedMs,
    wallClockMs: () => Date.now() + passedMs,
    pass(ms) {
      passedMs += ms
    },
  }
}
