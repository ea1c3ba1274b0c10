import { loseWrites } from '../world/set-up.ts'
import type { Simulation } from './simulation.ts'
import type { Step } from './step.ts'

/** Returns true if an answered write can be lost: not one that happened and is not answered yet. */
function mayGoBack({ run, cutOff, left, world }: Simulation): boolean {
  if (run?.isActive !== true || run.driver.isDraining || cutOff !== null || left.storeLosses === 0) return false
  const isUnanswered = run.errands.some(({ kind, stages }) => kind === 'record' && stages.length === 0)
  return world.copies.length > 1 && !world.isStoreOld && !isUnanswered
}

/** Steps of a store that goes back, and of an instance whose link to the database is half-open while another one takes over. */
export const writerSteps: readonly Step[] = [
  {
    name: 'the store goes back',
    weight: 1,
    isPossible: (simulation) => mayGoBack(simulation),
    take: ({ left, world, process }) => {
      left.storeLosses--
      loseWrites(world)
      // Only writes without an answer may have been lost.
      world.isStoreOld = process.writership.isLacking(world.state.stamp)
    },
  },
  {
    name: 'the link goes half-open',
    weight: 1,
    isPossible: ({ run, cutOff, left, world }) =>
      run?.isActive === true && !run.driver.isDraining && cutOff === null && left.cuts > 0 && !world.isStoreOld,
    take: (simulation) => simulation.cut(),
  },
  {
    name: 'behind the half-open link: go on',
    weight: 4,
    isPossible: ({ cutOff }) => (cutOff?.ownErrands.length ?? 0) > 0,
    take: ({ cutOff, world }) => cutOff?.proceed(world.choices.pick(cutOff.ownErrands)),
  },
  {
    name: 'behind the half-open link: a write arrives',
    weight: 1,
    isPossible: ({ cutOff }) =>
      cutOff?.errands.some(({ kind, stages }) => kind === 'record' && stages.length > 0) === true,
    take: ({ cutOff }) => cutOff?.errands.find(({ kind }) => kind === 'record')?.stages.shift()?.(),
  },
  {
    name: 'behind the half-open link: an errand fails',
    weight: 0.5,
    isPossible: ({ cutOff }) => cutOff !== null && cutOff.errands.length > cutOff.ownErrands.length,
    take: ({ cutOff, world }) => {
      const others = cutOff?.errands.filter((errand) => !cutOff.ownErrands.includes(errand)) ?? []
      cutOff?.fail(world.choices.pick(others))
    },
  },
  {
    name: 'behind the half-open link: tick',
    weight: 2,
    isPossible: ({ cutOff }) => cutOff !== null && cutOff.driver.wakeAtMs !== null,
    take: (simulation) => {
      const { cutOff, nowMs } = simulation
      simulation.advance(Math.max(nowMs, cutOff?.driver.wakeAtMs ?? nowMs))
      cutOff?.driver.tell({ kind: 'tick' })
    },
  },
  {
    name: 'behind the half-open link: a request arrives',
    weight: 2,
    isPossible: ({ cutOff }) => (cutOff?.flights.underWay.length ?? 0) > 0,
    take: ({ cutOff, world, nowMs, isApiDown }) => {
      if (cutOff) cutOff.flights.arrive(world.choices.pick(cutOff.flights.underWay), nowMs, isApiDown)
    },
  },
  {
    name: 'behind the half-open link: an answer',
    weight: 3,
    isPossible: ({ cutOff }) => (cutOff?.flights.answered.length ?? 0) > 0,
    take: ({ cutOff, world }) => {
      if (!cutOff) return
      const flight = world.choices.pick(cutOff.flights.answered)
      cutOff.answer(flight, cutOff.flights.land(flight))
    },
  },
  {
    name: 'behind the half-open link: the request comes back',
    weight: 2,
    isPossible: ({ cutOff }) => (cutOff?.flights.underWay.length ?? 0) > 0,
    take: ({ cutOff, world }) => {
      if (!cutOff) return
      const flight = world.choices.pick(cutOff.flights.underWay)
      cutOff.flights.bounce(flight)
      cutOff.answer(flight, { kind: 'pause', ms: world.choices.pick([1_000, 29_000]) })
    },
  },
  {
    name: 'behind the half-open link: the process ends',
    weight: 0.3,
    isPossible: ({ cutOff }) => cutOff !== null,
    take: (simulation) => simulation.endCutOff(),
  },
  {
    name: 'a request of an ended process arrives',
    weight: 2,
    isPossible: ({ formerFlights }) => formerFlights.length > 0,
    take: ({ formerFlights, world, nowMs, isApiDown }: Simulation) => {
      const [flights, flight] = world.choices.pick(formerFlights)
      flights.arriveLate(flight, nowMs, isApiDown)
    },
  },
]
