/** Clocks of the process. */
export interface Clocks {
  /** Milliseconds that never go back, whatever is set. */
  monotonicMs(): number
  /** Milliseconds of the epoch. */
  wallClockMs(): number
}
