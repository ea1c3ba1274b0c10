import { settled } from './calls.ts'
import { checkQuiet } from './checks.ts'
import { Choices } from './choices.ts'
import { type Modules, sourceModules } from './modules.ts'
import { drawProfile, type Profile } from './profile.ts'
import { setUp } from './set-up.ts'
import { everyRule, type Rules, Simulation } from './simulation.ts'
import { inside, steps } from './steps.ts'
import { World } from './world.ts'

export interface Options {
  readonly modules?: Modules
  readonly rules?: Partial<Rules>
  /** What is not to be drawn. */
  readonly profile?: Partial<Profile>
  readonly traced?: boolean
}
export interface Outcome {
  /** What is wrong, beginning with the promise that is broken; null if nothing is. */
  readonly wrong: string | null
  readonly trace: readonly string[]
  /** What each step was drawn from. */
  readonly steps: readonly number[]
}

/** One world from its beginning until nothing is left to be done. */
export async function simulate(choices: Choices, options: Options = {}): Promise<Outcome> {
  const { modules = sourceModules, rules, profile: fixed, traced = false } = options
  choices.step()
  const profile = drawProfile(choices, { stepKinds: steps.length, ...fixed })
  const world = new World(choices, profile, { traced })
  const simulation = new Simulation(world, { modules, rules: { ...everyRule, ...rules } })
  try {
    choices.step()
    setUp(world)
    simulation.restart()
    await wander(simulation)
    await endInQuiet(simulation)
  } catch (error) {
    world.fail(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }
  return { wrong: world.wrong, trace: world.trace ?? [], steps: choices.taken }
}

export const ofSeed = (seed: number, options?: Options) => simulate(Choices.ofSeed(seed), options)

async function wander(simulation: Simulation): Promise<void> {
  const { world } = simulation
  const { choices, profile } = world
  for (let left = profile.steps; left > 0 && world.wrong === null && choices.step(); left--) {
    const possible = steps.map((step, at) =>
      step.isPossible(simulation) ? step.weight * (profile.weights[at] ?? 1) : 0,
    )
    let mark = (choices.below(1_000) / 1_000) * possible.reduce((sum, weight) => sum + weight, 0)
    const taken = steps.find((_, at) => {
      mark -= possible[at] ?? 0
      return mark < 0
    })
    taken?.take(simulation)
    if (taken && inside.includes(taken)) await settled()
    if (isQuiet(simulation)) checkQuiet(world)
  }
}

const mostRounds = 300

/** Writers end, and everybody does what he can in turn: C1 at the end, and that there is one. */
async function endInQuiet(simulation: Simulation): Promise<void> {
  const { world } = simulation
  simulation.transactions = simulation.crashes = simulation.faults = 0
  world.note(() => 'everything goes on until nothing is left to be done')
  for (const transaction of [...world.table.running]) {
    if (transaction.state === 'open') world.table.commit(transaction)
    world.table.end(transaction)
  }
  for (let round = 0; round < mostRounds && world.wrong === null; round++) {
    if (isQuiet(simulation)) return checkQuiet(world)
    for (const step of steps) {
      if (step.name === 'another table' || step.name === 'forget') continue
      for (let left = 3; left > 0 && step.isPossible(simulation); left--) step.take(simulation)
      await settled()
    }
    // What was asked is answered before anything is asked again: nobody is quiet while he waits.
    for (let call = simulation.run?.calls.open[0]; call; call = simulation.run?.calls.open[0]) {
      call.next()
      await settled()
    }
  }
  if (world.wrong === null) world.fail('stuck: it does not come to an end')
}

function isQuiet({ run, world }: Simulation): boolean {
  if (!run?.holdsSlot || run.unconfirmed.length > 0 || run.requests.flights.length > 0 || run.calls.open.length > 0)
    return false
  const { pending, progress, stream } = run
  if (world.table.running.length > 0 || !stream.isAtEnd || progress.spans > 0 || pending.unrecorded > 0) return false
  return pending.waiting.live + pending.waiting.backfill === 0 && world.state.nextPass() === null
}
