import { ConnectorRun } from './connector-run.ts'
import type { Modules } from './modules.ts'
import { makeSlot } from './set-up.ts'
import type { World } from './world.ts'

/** Rules that the surroundings of the modules keep, each to be switched off. */
export interface Rules {
  /** MERGE rule 2: one read at a time. */
  readonly readsAtOnce: number
  /** When the state may forget that a row was removed, and a transaction's id. */
  readonly forgets: 'what every snapshot sees' | 'what is stored' | 'what is settled'
}
export const everyRule: Rules = { readsAtOnce: 1, forgets: 'what every snapshot sees' }

/** A world, the run of the connector in it, and what may still happen. */
export class Simulation {
  readonly world: World
  readonly rules: Rules
  readonly #modules: Modules
  run: ConnectorRun | null = null
  transactions: number
  crashes: number
  faults: number
  isSlotLost = false
  #slotLosses: number
  /** A write that the last run began and that may still happen. */
  #lateWrite: (() => void) | null = null

  constructor(world: World, { modules, rules }: { readonly modules: Modules; readonly rules: Rules }) {
    this.world = world
    this.rules = rules
    this.#modules = modules
    const { transactions, crashes, faults, slotLosses } = world.profile
    this.transactions = transactions
    this.crashes = crashes
    this.faults = faults
    this.#slotLosses = slotLosses
  }

  restart(): void {
    if (this.isSlotLost) makeSlot(this.world)
    this.isSlotLost = false
    this.run = new ConnectorRun(this.world, this.#modules)
    const { lsn, horizon } = this.world.state
    this.world.note(() => `START from ${lsn}, H ${horizon?.commitLsn ?? 'none'}`)
  }

  /** The process dies. Its requests are applied or never sent; its write happens, does not, or does so late. */
  crash(): void {
    const { run, world } = this
    if (!run) return
    const { choices } = world
    this.crashes--
    world.note(() => 'CRASH')
    for (const flight of run.requests.in('sent')) if (choices.percent(50)) run.requests.arrive(flight)
    const [write] = run.calls.open.flatMap(({ name, left }) => (name === 'record' ? left : []))
    const fate = write ? choices.below(3) : 0
    if (fate === 1) write?.()
    this.#lateWrite = fate === 2 ? (write ?? null) : null
    world.openReads.clear()
    this.run = null
    if (this.#slotLosses === 0) return
    this.#slotLosses--
    this.isSlotLost = true
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
