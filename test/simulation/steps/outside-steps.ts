import { write } from '../world/writer.ts'
import type { Simulation } from './simulation.ts'
import type { Step } from './step.ts'

const running = ({ world }: Simulation, state: 'open' | 'committed') =>
  world.table.running.filter((transaction) => transaction.state === state)
/** Returns the transactions that may write once more. */
const writers = (simulation: Simulation) =>
  running(simulation, 'open').filter(({ versions }) => versions.length < simulation.world.profile.changes)
/** Steps of the application and of the server. */
export const outsideSteps: readonly Step[] = [
  {
    name: 'write',
    weight: 3,
    isPossible: (simulation) => simulation.left.transactions > 0 || writers(simulation).length > 0,
    take: (simulation) => {
      const { table, choices } = simulation.world
      const open = writers(simulation)
      const isNew = simulation.left.transactions > 0 && (open.length === 0 || choices.percent(30))
      if (isNew) simulation.left.transactions--
      const writer = isNew ? table.begin() : choices.pick(open)
      for (let more = 1 + choices.below(simulation.world.profile.changes / 4); more > 0; more--)
        write(simulation.world, writer)
    },
  },
  {
    name: 'commit',
    weight: 3,
    isPossible: (simulation) => running(simulation, 'open').length > 0,
    take: (simulation) => {
      const { world } = simulation
      const writer = world.choices.pick(running(simulation, 'open'))
      world.table.commit(writer)
      world.note(() => `${writer.name} commits at ${writer.commitLsn}`)
    },
  },
  {
    name: 'become visible',
    weight: 3,
    isPossible: (simulation) => running(simulation, 'committed').length > 0,
    take: (simulation) => {
      const { world } = simulation
      const writer = world.choices.pick(running(simulation, 'committed'))
      world.table.end(writer)
      world.note(() => `${writer.name} is visible`)
    },
  },
  {
    name: 'abort',
    weight: 0.3,
    isPossible: (simulation) => running(simulation, 'open').length > 0,
    take: (simulation) => {
      const { world } = simulation
      const writer = world.choices.pick(running(simulation, 'open'))
      world.table.end(writer)
      world.note(() => `${writer.name} aborts`)
    },
  },
  {
    name: 'another table',
    weight: 0.5,
    isPossible: () => true,
    take: ({ world }) => world.table.elsewhere(),
  },
  {
    name: 'the server restarts',
    weight: 0.1,
    isPossible: ({ left, world, cutOff }) => left.crashes > 0 && !world.isStoreOld && cutOff === null,
    take: (simulation) => {
      simulation.crash()
      simulation.world.table.restart()
      simulation.world.note(() => 'the server restarts')
    },
  },
]
