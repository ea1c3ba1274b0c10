import { Writership } from '../../../src/checkpoint/writer.ts'
import type { Period } from '../world/profile.ts'
import { type Distrust, distrustStore, makeSlot } from '../world/set-up.ts'
import type { World } from '../world/world.ts'
import { type ConnectorProcess, ConnectorRun, type CreateCore } from './connector-run.ts'
import type { Flight } from './flight.ts'
import type { Flights } from './flights.ts'
import { Strays } from './strays.ts'

/** Rules that the environment of the core keeps. Each can be switched off. */
export interface Rules {
  /** Condition on which the store may forget the removal of a row, and a transaction id. */
  readonly forgets: 'what every snapshot sees' | 'what is stored' | 'what is settled'
  /** What is done about a store that went back. */
  readonly distrusts: Distrust
}
export const everyRule: Rules = { forgets: 'what every snapshot sees', distrusts: 'everything' }

export interface SimulationOptions {
  readonly createCore: CreateCore
  readonly rules: Rules
}

/** Number of events of each kind that may still happen. */
type Left = Record<
  'transactions' | 'crashes' | 'stops' | 'streamLosses' | 'slotLosses' | 'storeLosses' | 'cuts' | 'faults',
  number
>

/** World, run of the connector, time, and the events that may still happen. */
export class Simulation {
  readonly world: World
  readonly rules: Rules
  readonly left: Left
  /** Lines of each run's trace. */
  readonly traces: (readonly string[])[] = []
  readonly strays: Strays
  readonly #createCore: CreateCore
  #run: ConnectorRun | null = null
  #process = newProcess()
  /** Run whose link to the database is half-open, while another instance has started. */
  #cutOff: ConnectorRun | null = null
  /** Requests of runs that have ended. */
  #former: Flights[] = []
  #nowMs = 0
  #step = 0
  #isSlotLost = false
  /** Write that the last run began and that may still happen. */
  #lateWrite: (() => void) | null = null

  constructor(world: World, { createCore, rules }: SimulationOptions) {
    this.world = world
    this.strays = new Strays(world)
    this.rules = rules
    this.#createCore = createCore
    const { transactions, crashes, stops, streamLosses, slotLosses, storeLosses, cuts, faults } = world.profile
    this.left = { transactions, crashes, stops, streamLosses, slotLosses, storeLosses, cuts, faults }
  }

  get run(): ConnectorRun | null {
    return this.#run
  }
  /** The process of the present run. */
  get process(): ConnectorProcess {
    return this.#process
  }
  get cutOff(): ConnectorRun | null {
    return this.#cutOff
  }
  /** Requests of runs that have ended, which may still arrive. */
  get formerFlights(): readonly (readonly [Flights, Flight])[] {
    return this.#former.flatMap((flights) => flights.underWay.map((flight) => [flights, flight] as const))
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
    this.#giveUp(this.#cutOff)
    this.strays.advance(this.#nowMs)
    for (const run of [this.#cutOff, this.#run]) run?.flights.advance(this.#nowMs)
    for (const flights of this.#former) flights.expire(this.#nowMs)
    this.#former = this.#former.filter(({ all }) => all.length > 0)
  }

  /** Gives up the requests of a run whose timeout is over. */
  #giveUp(run: ConnectorRun | null): void {
    for (const flight of run?.flights.all ?? []) {
      if (flight.untilMs > this.#nowMs) continue
      run?.flights.lose(flight, flight.untilMs)
      run?.answer(flight, { kind: 'retry', reason: 'timeout', inDoubt: true, status: null })
    }
  }

  restart(): void {
    if (this.#isSlotLost) makeSlot(this.world)
    this.#isSlotLost = false
    const { writership } = this.#process
    if (writership.isLacking(this.world.state.stamp)) {
      distrustStore(this.world, this.rules.distrusts)
      writership.forget()
    }
    const { world, strays } = this
    const [createCore, process] = [this.#createCore, this.#process]
    this.#run = new ConnectorRun({ world, strays, createCore, process, nowMs: () => this.#nowMs })
    this.traces.push(this.#run.trace)
  }

  /** Ends the run. The process goes on, and starts another one. */
  leave(): void {
    const run = this.#run
    if (!run) return
    this.world.note(() => 'STOP')
    this.#process.outUntilMs = this.#nowMs + run.driver.view.requestsOutMs
    this.#end(run)
    this.#run = null
  }

  /** Ends the process after it has drained. */
  stop(): void {
    this.leave()
    this.#process = newProcess()
  }

  #end(run: ConnectorRun): void {
    run.flights.crash(this.#nowMs)
    if (run.flights.all.length > 0) this.#former.push(run.flights)
  }

  /** The link to the database goes half-open. The server frees the slot, and another instance may start. */
  cut(): void {
    this.left.cuts--
    this.#run?.cutOff()
    this.#cutOff = this.#run
    this.#run = null
    this.#process = newProcess()
    this.world.openReads.clear()
    this.advance(this.#nowMs)
  }
  /** Ends the process whose link is half-open. */
  endCutOff(): void {
    if (!this.#cutOff) return
    this.world.note(() => 'the process behind the half-open link ends')
    this.#end(this.#cutOff)
    this.#cutOff = null
  }

  /** Kills the process. Its requests are applied or were never sent. Its write happens, does not happen, or happens later. */
  crash(): void {
    const run = this.#run
    const { world } = this
    if (!run) return
    const { choices } = world
    this.left.crashes--
    world.note(() => 'CRASH')
    this.#end(run)
    this.#process = newProcess()
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

function newProcess(): ConnectorProcess {
  return { writership: new Writership(), outUntilMs: Number.NEGATIVE_INFINITY }
}
