import type { Simulation } from './simulation.ts'

/** Event that can happen next. */
export interface Step {
  readonly name: string
  readonly weight: number
  isPossible(simulation: Simulation): boolean
  take(simulation: Simulation): void
}
