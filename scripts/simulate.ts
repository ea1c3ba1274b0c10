import { parseArgs } from 'node:util'
import { shrink } from '../test/pending/simulation/shrink.ts'
import { ofSeed } from '../test/pending/simulation/simulate.ts'
import { ofTimedSeed, shrinkPlan } from '../test/simulation/timed-world.ts'

// npm run simulate -- --seeds N --seed S [--worlds steps|time]: so many worlds of each kind from that seed on. Exit status 1 if a
// promise is broken in one.

/** What is wrong in a seed's world; and the smallest world found that breaks the same promise, told step by step. */
interface Looked {
  readonly wrong: string | null
  smallest(): Promise<readonly string[]>
}

const kinds: Readonly<Record<string, (seed: number) => Promise<Looked>>> = {
  async steps(seed) {
    const found = await ofSeed(seed)
    return { wrong: found.wrong, smallest: async () => (await shrink(found, {})).trace }
  },
  async time(seed) {
    const found = await ofTimedSeed(seed)
    return {
      wrong: found.wrong,
      smallest: async () => {
        const { trace, plan } = await shrinkPlan(found)
        return [JSON.stringify(plan), ...trace]
      },
    }
  },
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    worlds: { type: 'string' },
  },
})
const [seeds, first] = [Number(values.seeds), Number(values.seed)]
const isRange = Number.isSafeInteger(seeds) && seeds > 0 && Number.isSafeInteger(first) && first >= 0
if (!isRange || (values.worlds !== undefined && !(values.worlds in kinds))) {
  console.error('usage: npm run simulate -- --seeds N --seed S [--worlds steps|time], N and S whole numbers')
  process.exit(2)
}

for (const [kind, look] of Object.entries(kinds)) {
  if (values.worlds !== undefined && values.worlds !== kind) continue
  const breaches = await simulate(kind, look)
  const verdict = breaches.length === 0 ? 'every promise holds' : `broken in ${breaches.join(', ')}`
  console.log(`worlds of ${kind}, seeds ${first} to ${first + seeds - 1}: ${verdict}`)
  if (breaches.length > 0) process.exitCode = 1
}

async function simulate(kind: string, look: (seed: number) => Promise<Looked>): Promise<number[]> {
  const startedAtMs = performance.now()
  const breaches: number[] = []
  for (let seed = first; seed < first + seeds; seed++) {
    const { wrong, smallest } = await look(seed)
    if (wrong !== null) {
      breaches.push(seed)
      console.log(`seed ${seed}: ${wrong}`)
      // The first ones are told in full.
      if (breaches.length <= 3) console.log((await smallest()).map((line) => `  ${line}`).join('\n'))
    }
    const done = seed - first + 1
    const perSecond = Math.round((done * 1_000) / (performance.now() - startedAtMs))
    if (done % 10_000 === 0 || done === seeds)
      console.log(`${done} worlds of ${kind}, ${breaches.length} breaches, ${perSecond} a second`)
  }
  return breaches
}
