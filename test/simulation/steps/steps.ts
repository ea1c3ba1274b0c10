import { mostAtOnce } from '../driver/driver.ts'
import type { Errand } from '../driver/errands.ts'
import type { ConnectorRun } from './connector-run.ts'
import type { Flight } from './flight.ts'
import { forget, forgettable } from './forgetting.ts'
import { outsideSteps } from './outside-steps.ts'
import type { Simulation } from './simulation.ts'
import type { Step } from './step.ts'
import { writerSteps } from './writer-steps.ts'

/** Returns the errands that can go on now. A slow errand rarely can, a hanging one never. */
function movable({ run, world, isHanging }: Simulation): readonly Errand[] {
  const { hanging } = world.profile
  const errands = run?.errands ?? []
  return isHanging ? errands.filter(({ code }) => code === null || code !== hanging?.code) : errands
}

function pickErrand(simulation: Simulation): Errand {
  const { choices, profile } = simulation.world
  const errands = movable(simulation)
  const quick = errands.filter(({ kind }) => kind !== profile.slow)
  return choices.pick(quick.length > 0 && choices.percent(95) ? quick : errands)
}

interface OnFlight {
  readonly name: string
  readonly weight: number
  readonly isFault?: boolean
  readonly flights: (run: ConnectorRun) => readonly Flight[]
  act(run: ConnectorRun, flight: Flight, simulation: Simulation): void
}

function onFlight({ name, weight, flights, isFault = false, act }: OnFlight): Step {
  return {
    name,
    weight,
    isPossible: ({ run, left }) => run !== null && flights(run).length > 0 && (!isFault || left.faults > 0),
    take: (simulation) => {
      const { run, left, world } = simulation
      if (!run) return
      if (isFault) left.faults--
      act(run, world.choices.pick(flights(run)), simulation)
    },
  }
}

/** Lengths of time that matter to the core: from the next moment to the longest back-off. */
const spansMs = [1, 20, 300, 1_100, 6_000, 40_000]

const runSteps: readonly Step[] = [
  { name: 'start', weight: 2, isPossible: ({ run }) => run === null, take: (simulation) => simulation.restart() },
  {
    name: 'open the stream',
    weight: 4,
    isPossible: ({ run }) => run?.hasStream === false,
    take: ({ run }) => run?.openStream(),
  },
  {
    name: 'take over',
    weight: 4,
    isPossible: ({ run }) => run?.hasStream === true && !run.isActive,
    take: (simulation) => {
      if (simulation.run?.takeOver() === false) simulation.leave()
    },
  },
  {
    name: 'lose the stream',
    weight: 0.6,
    isPossible: ({ run, left }) => run?.hasStream === true && left.streamLosses > 0,
    take: ({ run, left }) => {
      left.streamLosses--
      run?.loseStream()
    },
  },
  {
    name: 'receive',
    weight: 5,
    isPossible: ({ run }) => run?.mayReceive === true,
    take: ({ run, world }) => {
      // Usually receives a transaction whole. Other worlds receive it in parts.
      for (let more = world.choices.pick([1, 1, 2, 4, 40]); more > 0 && run?.mayReceive; more--) {
        run.receive(world.choices.pick([1, 1, 1, mostAtOnce]))
        if (!run.isInTransaction) return
      }
    },
  },
  {
    name: 'proceed',
    weight: 10,
    isPossible: (simulation) => movable(simulation).length > 0,
    take: (simulation) => simulation.run?.proceed(pickErrand(simulation)),
  },
  {
    name: 'an errand fails',
    weight: 0.4,
    isPossible: (simulation) =>
      simulation.left.faults > 0 && movable(simulation).some(({ kind }) => kind !== 'want permit'),
    take: (simulation) => {
      const { run, left, world } = simulation
      left.faults--
      run?.fail(world.choices.pick(movable(simulation).filter(({ kind }) => kind !== 'want permit')))
    },
  },
  {
    name: 'tick',
    weight: 3,
    isPossible: ({ run }) => run !== null && run.driver.wakeAtMs !== null,
    take: (simulation) => tick(simulation),
  },
  {
    name: 'time passes',
    weight: 1,
    isPossible: ({ run }) => run !== null,
    take: (simulation) => simulation.advance(simulation.nowMs + simulation.world.choices.pick(spansMs)),
  },
  {
    name: 'drain',
    weight: 0.6,
    isPossible: ({ run, left, world }) =>
      run?.isActive === true && left.stops > 0 && !run.driver.isDraining && !world.isStoreOld,
    take: ({ run, left, world }) => {
      left.stops--
      world.note(() => 'drain')
      run?.driver.tell({ kind: 'drain' })
    },
  },
  {
    name: 'stop',
    weight: 4,
    isPossible: ({ run }) => run?.isDrained === true,
    take: (simulation) => simulation.stop(),
  },
  {
    name: 'end',
    weight: 8,
    isPossible: ({ run }) => run?.mustEnd === true,
    take: (simulation) => simulation.leave(),
  },
]

const apiSteps: readonly Step[] = [
  onFlight({
    name: 'arrive',
    weight: 4,
    flights: (run) => run.flights.underWay,
    act: ({ flights }, flight, { nowMs, isApiDown }) => flights.arrive(flight, nowMs, isApiDown),
  }),
  onFlight({
    name: 'answer',
    weight: 4,
    flights: (run) => run.flights.answered,
    act: (run, flight) => run.answer(flight, run.flights.land(flight)),
  }),
  onFlight({
    name: 'no answer',
    weight: 1,
    isFault: true,
    flights: (run) => run.flights.all,
    act: (run, flight, { nowMs, world }) => {
      run.flights.lose(flight, nowMs)
      if (world.choices.percent(20)) run.driver.tell({ kind: 'failed', ticket: flight.ticket })
      else run.answer(flight, { kind: 'retry', reason: 'timeout', inDoubt: true, status: null })
    },
  }),
  onFlight({
    name: 'come back',
    weight: 1,
    isFault: true,
    flights: (run) => run.flights.underWay,
    act: (run, flight, { world }) => {
      run.flights.bounce(flight)
      const refused = { kind: 'retry', reason: 'connection', inDoubt: false, status: null } as const
      const isLarge = flight.batch.length > 1 && world.choices.percent(30)
      run.answer(flight, isLarge ? { kind: 'split' } : world.choices.pick([{ kind: 'pause', ms: 1_000 }, refused]))
    },
  }),
  onFlight({
    name: 'break',
    weight: 0.5,
    isFault: true,
    flights: (run) => run.flights.underWay,
    act: (run, flight) => {
      if (!run.flights.mayBreak(flight)) return
      run.flights.bounce(flight)
      run.answer(flight, { kind: 'retry', reason: 'status 500', inDoubt: true, status: 500 })
    },
  }),
]

const endSteps: readonly Step[] = [
  {
    name: 'forget',
    weight: 1,
    isPossible: (simulation) => forgettable(simulation).length > 0,
    take: (simulation) => forget(simulation, simulation.world.choices.pick(forgettable(simulation))),
  },
  {
    name: 'crash',
    weight: 0.6,
    isPossible: ({ run, left, world }) => run !== null && left.crashes > 0 && !world.isStoreOld,
    take: (simulation) => simulation.crash(),
  },
  {
    name: 'a late write',
    weight: 1,
    isPossible: ({ hasLateWrite }) => hasLateWrite,
    take: (simulation) => simulation.writeLate(),
  },
]

/** Advances the time to the wake-up time of the core. */
export function tick(simulation: Simulation): void {
  const { run, nowMs } = simulation
  const wakeAtMs = run?.driver.wakeAtMs
  if (wakeAtMs == null) return
  simulation.advance(Math.max(nowMs, wakeAtMs))
  run?.driver.tell({ kind: 'tick' })
}

export const steps: readonly Step[] = [...outsideSteps, ...runSteps, ...apiSteps, ...endSteps, ...writerSteps]
