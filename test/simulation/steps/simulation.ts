import type { Period } from '../world/profile.ts'
import { makeSlot } from '../world/set-up.ts'
import type { World } from '../world/world.ts'
import { ConnectorRun, type CreateCore } from './connector-run.ts'

/** Rules that the environment of the core keeps. Each can be switched off. */
export interface Rules {
  /** Condition on which the store may forget the removal of a row, and a transaction id. */
  readonly forgets: 'what every snapshot sees' | 'what is stored' | 'what is settled'
}
export const everyRule: Rules = { forgets: 'what every snapshot sees' }

export interface SimulationOptions {
  readonly createCore: CreateCore
  readonly rules: Rules
}

/** Number of events of each kind that may still happen. */
type Left = Record<'transactions' | 'crashes' | 'stops' | 'streamLosses' | 'slotLosses' | 'faults', number>

/** World, run of the connector, time, and the events that may still happen. */
export class Simulation {
  readonly world: World
  readonly rules: Rules
  readonly left: Left
  /** Lines of each run's trace. */
  readonly traces: (readonly string[])[] = []
  readonly #createCore: CreateCore
  #run: ConnectorRun | null = null
  #nowMs = 0
  #step = 0
  #isSlotLost = false
  /** Write that the last run began and that may still happen. */
  #lateWrite: (() => void) | null = null

  constructor(world: World, { createCore, rules }: SimulationOptions) {
    this.world = world
    this.rules = rules
    this.#createCore = createCore
    const { transactions, crashes, stops, streamLosses, slotLosses, faults } = world.profile
    this.left = { transactions, crashes, stops, streamLosses, slotLosses, faults }
  }

  get run(): ConnectorRun | null {
    return this.#run
  }
  get nowMs(): number {
    return this.#nowMs
  }
  get isApiDown(): boolean {
    return this.#isDuring(this.world.profile.outage)
  }
  get isHanging(): boolean {
    return this.#isDuring(this.world.profile.hanging)
  }
  #isDuring(period: Period | null): boolean {
    return period !== null && period.fromStep <= this.#step && this.#step < period.toStep
  }

  nextStep(): void {
    this.#step++
  }
  /** Ends all outages. */
  end(): void {
    this.#step = Number.MAX_SAFE_INTEGER
  }

  /** Advances the time. What is due by then happens first. */
  advance(toMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, toMs)
    this.#run?.flights.advance(this.#nowMs)
  }

  restart(): void {
    if (this.#isSlotLost) makeSlot(this.world)
    this.#isSlotLost = false
    this.#run = new ConnectorRun({ world: this.world, createCore: this.#createCore, nowMs: () => this.#nowMs })
    this.traces.push(this.#run.trace)
  }

  /** Ends the process after it has drained. */
  leave(): void {
    this.world.note(() => 'STOP')
    this.#run?.flights.crash()
    this.#run = null
  }

  /** Kills the process. Its requests are applied or were never sent. Its write happens, does not happen, or happens later. */
  crash(): void {
    const run = this.#run
    const { world } = this
    if (!run) return
    const { choices } = world
    this.left.crashes--
    world.note(() => 'CRASH')
    run.flights.crash()
    const [write] = run.errands.flatMap(({ kind, stages }) => (kind === 'record' ? stages : []))
    const fate = write ? choices.below(3) : 0
    if (fate === 1) write?.()
    this.#lateWrite = fate === 2 ? (write ?? null) : null
    world.openReads.clear()
    this.#run = null
    if (this.left.slotLosses === 0) return
    this.left.slotLosses--
    this.#isSlotLost = true
    world.note(() => 'the slot is lost')
  }

  get hasLateWrite(): boolean {
    return this.#lateWrite !== null
  }
  writeLate(): void {
    this.#lateWrite?.()
    this.#lateWrite = null
  }
}
