import type { ConnectorRun, Work } from './connector-run.ts'
import { forget, forgettable } from './forgetting.ts'
import type { Flight } from './requests.ts'
import type { Simulation } from './simulation.ts'
import { write } from './writer.ts'

/** Something that can happen next. */
export interface Step {
  readonly name: string
  readonly weight: number
  isPossible(simulation: Simulation): boolean
  take(simulation: Simulation): void
}

const running = ({ world }: Simulation, state: 'open' | 'committed') =>
  world.table.running.filter((transaction) => transaction.state === state)
/** Those that may write once more. */
const writers = (simulation: Simulation) => running(simulation, 'open').filter(({ versions }) => versions.length < 4)
const flights = ({ run }: Simulation, ...states: readonly Flight['state'][]) => run?.requests.in(...states) ?? []

/** The application and the server. */
const outside: readonly Step[] = [
  {
    name: 'write',
    weight: 3,
    isPossible: (simulation) => simulation.transactions > 0 || writers(simulation).length > 0,
    take: (simulation) => {
      const { table, choices } = simulation.world
      const open = writers(simulation)
      const isNew = simulation.transactions > 0 && (open.length === 0 || choices.percent(30))
      if (isNew) simulation.transactions--
      write(simulation.world, isNew ? table.begin() : choices.pick(open))
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
    isPossible: ({ crashes }) => crashes > 0,
    take: (simulation) => {
      simulation.crash()
      simulation.world.table.restart()
      simulation.world.note(() => 'the server restarts')
    },
  },
]

function start(work: Work, weight: number): Step {
  return {
    name: work,
    weight,
    isPossible: ({ run, rules }) => run?.mayStart(work, work === 'read' ? rules.readsAtOnce : 1) ?? false,
    take: ({ run }) => run?.start(work),
  }
}

interface OnFlight {
  readonly name: string
  readonly weight: number
  readonly states: readonly Flight['state'][]
  readonly isFault?: boolean
  act(run: ConnectorRun, flight: Flight): void
}
function onFlight({ name, weight, states, isFault = false, act }: OnFlight): Step {
  return {
    name,
    weight,
    isPossible: (simulation) => flights(simulation, ...states).length > 0 && (!isFault || simulation.faults > 0),
    take: (simulation) => {
      if (isFault) simulation.faults--
      if (simulation.run) act(simulation.run, simulation.world.choices.pick(flights(simulation, ...states)))
    },
  }
}

/** The connector and who answers it. */
export const inside: readonly Step[] = [
  { name: 'start', weight: 2, isPossible: ({ run }) => run === null, take: (simulation) => simulation.restart() },
  {
    name: 'take over',
    weight: 4,
    isPossible: ({ run }) => run?.holdsSlot === false,
    take: ({ run }) => run?.takeOver(),
  },
  {
    name: 'receive',
    weight: 4,
    isPossible: ({ run }) => run?.pending.full === false,
    take: ({ run }) => run?.stream.receive(),
  },
  {
    name: 'next of a call',
    weight: 8,
    isPossible: ({ run }) => (run?.calls.open.length ?? 0) > 0,
    take: ({ run, world }) => world.choices.pick(run?.calls.open ?? []).next(),
  },
  {
    name: 'a call fails',
    weight: 0.3,
    isPossible: ({ run, faults }) => faults > 0 && (run?.calls.open.length ?? 0) > 0,
    take: (simulation) => {
      const call = simulation.world.choices.pick(simulation.run?.calls.open ?? [])
      simulation.faults--
      simulation.world.note(() => `${call.name} fails`)
      call.fail()
    },
  },
  {
    name: 'read back',
    weight: 1,
    isPossible: ({ run }) => (run?.unconfirmed.length ?? 0) > 0,
    take: ({ run }) => run?.readBack(),
  },
  start('look up', 2),
  start('read', 2),
  start('resolve', 1),
  start('record', 1.5),
  {
    name: 'send',
    weight: 3,
    isPossible: ({ run }) => run?.maySend === true && run.pending.sendable.live + run.pending.sendable.backfill > 0,
    take: ({ run, world }) => run?.requests.send(1 + world.choices.below(3)),
  },
  onFlight({ name: 'arrive', weight: 3, states: ['sent'], act: ({ requests }, flight) => requests.arrive(flight) }),
  onFlight({
    name: 'answer',
    weight: 3,
    states: ['accepted', 'refused'],
    act: ({ requests }, flight) => requests.answer(flight),
  }),
  onFlight({
    name: 'no answer',
    weight: 1,
    isFault: true,
    states: ['sent', 'accepted'],
    act: ({ requests }, flight) => requests.loseAnswer(flight),
  }),
  onFlight({
    name: '429',
    weight: 1,
    isFault: true,
    states: ['sent'],
    act: ({ requests }, flight) => requests.giveBack(flight),
  }),
  {
    name: 'forget',
    weight: 1,
    isPossible: (simulation) => forgettable(simulation).length > 0,
    take: (simulation) => forget(simulation, simulation.world.choices.pick(forgettable(simulation))),
  },
  {
    name: 'crash',
    weight: 0.6,
    isPossible: ({ run, crashes }) => run !== null && crashes > 0,
    take: (simulation) => simulation.crash(),
  },
  {
    name: 'a late write',
    weight: 1,
    isPossible: ({ hasLateWrite }) => hasLateWrite,
    take: (simulation) => simulation.writeLate(),
  },
]

export const steps: readonly Step[] = [...outside, ...inside]
