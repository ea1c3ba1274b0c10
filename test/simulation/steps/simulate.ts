import { createCore } from '../../../src/pipeline/core/core.ts'
import { standing } from '../driver/driver.ts'
import { checkQuiet } from '../world/checks.ts'
import { Choices } from '../world/choices.ts'
import { drawProfile, type Profile } from '../world/profile.ts'
import { setUp } from '../world/set-up.ts'
import { codeOf, keyOf } from '../world/values.ts'
import { World } from '../world/world.ts'
import type { ConnectorRun, CreateCore } from './connector-run.ts'
import { everyRule, type Rules, Simulation } from './simulation.ts'
import { steps, tick } from './steps.ts'

export interface Options {
  readonly createCore?: CreateCore
  readonly rules?: Partial<Rules>
  /** Properties of the world that are fixed, not drawn. */
  readonly profile?: Partial<Profile>
  readonly traced?: boolean
}

export interface Outcome {
  /** Description of the failure, which begins with the broken promise; null if there is none. */
  readonly wrong: string | null
  /** Events of the run, for people. */
  readonly told: readonly string[]
  /** Trace of each run of the core. */
  readonly traces: readonly (readonly string[])[]
  /** Number from which each step was drawn. */
  readonly steps: readonly number[]
}

/** Simulates one world from its beginning until no work is left. */
export function simulate(choices: Choices, options: Options = {}): Outcome {
  const { rules, profile: fixed, traced = false } = options
  choices.step()
  const profile = drawProfile(choices, { stepKinds: steps.length, ...fixed })
  const world = new World(choices, profile, { traced })
  const simulation = new Simulation(world, {
    createCore: options.createCore ?? createCore,
    rules: { ...everyRule, ...rules },
  })
  try {
    choices.step()
    setUp(world)
    simulation.restart()
    wander(simulation)
    endInQuiet(simulation)
  } catch (error) {
    world.fail(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }
  return { wrong: world.wrong, told: world.trace ?? [], traces: simulation.traces, steps: choices.taken }
}

export const ofSeed = (seed: number, options?: Options) => simulate(Choices.ofSeed(seed), options)

function wander(simulation: Simulation): void {
  const { world } = simulation
  const { choices, profile } = world
  const weights = steps.map(({ weight }, at) => weight * (profile.weights[at] ?? 1))
  for (let left = profile.steps; left > 0 && world.wrong === null && choices.step(); left--) {
    simulation.nextStep()
    const possible = steps.map((step, at) => (step.isPossible(simulation) ? (weights[at] ?? 0) : 0))
    let mark = (choices.below(1_000) / 1_000) * possible.reduce((sum, weight) => sum + weight, 0)
    const taken = steps.find((_, at) => {
      mark -= possible[at] ?? 0
      return mark < 0
    })
    taken?.take(simulation)
    if (isQuiet(simulation)) checkQuiet(world)
  }
}

const maxRounds = 3_000
/** Number of rounds between two changes of a good row. With bad rows alone, the API seems to refuse everything, and the core waits. */
const roundsBetweenGood = 100
const goodRow = { key: keyOf('good'), code: codeOf('good') }

/** Ends the writers, and takes every possible step in turn. Checks C1 at the end, and that the end is reached. */
function endInQuiet(simulation: Simulation): void {
  const { world, left } = simulation
  for (const kind of Object.keys(left) as (keyof typeof left)[]) left[kind] = 0
  simulation.end()
  simulation.endCutOff()
  const hasBadRows = world.profile.letters.some((letter) => letter === 'Y' || letter === 'Z')
  world.note(() => 'everything goes on until nothing is left to be done')
  for (const transaction of [...world.table.running]) {
    if (transaction.state === 'open') world.table.commit(transaction)
    world.table.end(transaction)
  }
  for (let round = 1; round <= maxRounds && world.wrong === null; round++) {
    if (isQuiet(simulation)) {
      checkQuiet(world)
      return
    }
    // A store that went back is noticed at the next write.
    if ((hasBadRows || world.isStoreOld) && round % roundsBetweenGood === 0) writeGoodRow(world, round)
    goOn(simulation, round)
  }
  const view = simulation.run?.driver.view
  if (world.wrong === null) world.fail(`STUCK: it does not come to an end: ${view && standing(view)}`)
}

/** Takes the next step. Time advances only if no other step is possible. */
function goOn(simulation: Simulation, round: number): void {
  const { run } = simulation
  const [former] = simulation.formerFlights
  if (former) former[0].arriveLate(former[1], simulation.nowMs, false)
  else if (!run) simulation.restart()
  else if (run.mustEnd) simulation.leave()
  else if (run.isDrained) simulation.stop()
  else if (!run.hasStream) run.openStream()
  else if (run.isActive) work(simulation, run, round)
  else if (!run.takeOver()) simulation.leave()
}

/** Receives from the stream every second turn, so that rows that are read again and again do not block it. */
function work(simulation: Simulation, run: ConnectorRun, round: number): void {
  const { strays } = simulation
  const [flight] = run.flights.all
  const [errand] = run.errands
  const mayReceive = run.mayReceive && !run.isAtEnd
  if (mayReceive && round % 2 === 0) run.receive()
  else if (flight?.outcome) run.answer(flight, run.flights.land(flight))
  else if (flight) run.flights.arrive(flight, simulation.nowMs, false)
  else if (errand) run.proceed(errand)
  else if (mayReceive) run.receive()
  else if (run.driver.wakeAtMs !== null) tick(simulation)
  else if (strays.nextAtMs !== null) simulation.advance(strays.nextAtMs)
  else simulation.world.fail('STUCK: nothing is left that could happen')
}

function writeGoodRow({ table }: World, round: number): void {
  const writer = table.begin()
  table.write(writer, { key: goodRow.key, image: { code: goodRow.code, letter: round % 200 === 0 ? 'A' : 'B' } })
  table.commit(writer)
  table.end(writer)
}

function isQuiet({ run, world, cutOff, formerFlights }: Simulation): boolean {
  if (cutOff !== null || formerFlights.length > 0 || world.isStoreOld || run?.mustEnd) return false
  if (!run?.isActive || !run.isAtEnd || world.table.running.length > 0) return false
  if (run.flights.all.length > 0 || !run.flights.isSettled) return false
  if (!world.hasBackfilled || world.state.hasOwed || !run.driver.view.isQuiet) return false
  return run.errands.every(({ kind }) => kind !== 'record')
}
