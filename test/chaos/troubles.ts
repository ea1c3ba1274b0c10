import type { ChaosScene } from './chaos-scene.ts'

/** Fault of a running system in addition to the death of the connector. */
export interface Trouble {
  readonly name: string
  readonly weight: number
  /** Writers cannot write during the fault, if true. */
  readonly stopsWriters?: boolean
  /** Causes the fault, and ends it. */
  readonly run: (scene: ChaosScene, writes: Writes) => Promise<void>
}

/** Resolves once the writers have committed a random number of transactions more, between these two. Four writers commit about six a second. */
export type Writes = (least: number, most: number) => Promise<void>

const restart = (mode: 'smart' | 'fast' | 'immediate'): Trouble => ({
  name: `the server is restarted, ${mode}`,
  weight: 2,
  stopsWriters: true,
  async run({ server, links }) {
    // A smart shutdown would wait for connections that a firewall dropped, as long as TCP keeps them.
    links.database.reset()
    await server.stop(mode)
    await server.start()
  },
})

const troubles: readonly Trouble[] = [
  { name: 'the link to the database is reset', weight: 4, run: async ({ links }) => links.database.reset() },
  { name: 'the link to the API is reset', weight: 4, run: async ({ links }) => links.api.reset() },
  {
    name: 'the link to the API says nothing, and what was under way is gone',
    weight: 3,
    async run({ links }, writes) {
      links.api.stall()
      await writes(6, 45)
      links.api.goOn()
    },
  },
  {
    name: 'the link to the database says nothing, and what was under way is gone',
    weight: 1,
    async run({ links }, writes) {
      links.database.stall()
      await writes(6, 70)
      links.database.goOn()
    },
  },
  {
    name: 'the API is down',
    weight: 3,
    async run({ sandbox }, writes) {
      const id = sandbox.faults.add({ kind: 'down' })
      await writes(12, 65)
      sandbox.faults.clear(id)
    },
  },
  {
    name: 'every session of ours is ended',
    weight: 2,
    async run({ database }) {
      await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mediquo-cdc'`,
      )
    },
  },
  { name: 'the keys are changed', weight: 2, run: async (scene) => scene.rotateKeys() },
  restart('fast'),
  restart('immediate'),
  restart('smart'),
]

/** Draws a fault by its weight. */
export function draw(random: () => number): Trouble {
  const tickets = troubles.flatMap((trouble) => Array.from({ length: trouble.weight }, () => trouble))
  return tickets[Math.floor(random() * tickets.length)] ?? restart('fast')
}
