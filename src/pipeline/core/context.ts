import type { CoreIntervals } from '../../model/intervals.ts'
import type { Facts } from './facts.ts'
import type { Tickets } from './tickets.ts'

/** Objects that all parts of a core share. */
export interface CoreContext {
  readonly tickets: Tickets
  readonly facts: Facts
  /** Source of jitter and samples: a number from 0 to 1. */
  readonly random: () => number
  readonly intervals: CoreIntervals
}
