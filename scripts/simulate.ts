import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { shrink } from '../test/simulation/steps/shrink.ts'
import { ofSeed } from '../test/simulation/steps/simulate.ts'
import { ofTimedSeed, shrinkPlan } from '../test/simulation/time/timed-world.ts'

// npm run simulate -- --seeds N --seed S [--worlds steps|time] [--traces FOLDER]: simulates N worlds of each kind from that seed on. Prints
// the smallest world of each of the first breaches, and writes the traces of its runs for `npm run replay`. Exit status 1 if a promise is
// broken.

/** Failure in the world of a seed, and the smallest world found that breaks the same promise. */
interface Looked {
  readonly wrong: string | null
  smallest(): Promise<Smallest>
}
interface Smallest {
  readonly told: readonly string[]
  readonly traces: readonly (readonly string[])[]
}

const kinds: Readonly<Record<string, (seed: number) => Promise<Looked>>> = {
  async steps(seed) {
    const found = ofSeed(seed)
    return { wrong: found.wrong, smallest: async () => shrink(found, {}) }
  },
  async time(seed) {
    const found = await ofTimedSeed(seed)
    return {
      wrong: found.wrong,
      smallest: async () => {
        const { told, traces, plan } = await shrinkPlan(found)
        return { told: [JSON.stringify(plan), ...told], traces }
      },
    }
  },
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    worlds: { type: 'string' },
    traces: { type: 'string' },
  },
})
const [seeds, first] = [Number(values.seeds), Number(values.seed)]
const isRange = Number.isSafeInteger(seeds) && seeds > 0 && Number.isSafeInteger(first) && first >= 0
if (!isRange || (values.worlds !== undefined && !(values.worlds in kinds))) {
  console.error(
    'usage: npm run simulate -- --seeds N --seed S [--worlds steps|time] [--traces FOLDER], N and S whole numbers',
  )
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
      // Only the first failures are printed in full.
      if (breaches.length <= 3) show(`${kind}-${seed}`, await smallest())
    }
    const done = seed - first + 1
    const perSecond = Math.round((done * 1_000) / (performance.now() - startedAtMs))
    if (done % 10_000 === 0 || done === seeds)
      console.log(`${done} worlds of ${kind}, ${breaches.length} breaches, ${perSecond} a second`)
  }
  return breaches
}

function show(name: string, { told, traces }: Smallest): void {
  console.log(told.map((line) => `  ${line}`).join('\n'))
  if (values.traces === undefined) return
  mkdirSync(values.traces, { recursive: true })
  for (const [at, trace] of traces.entries()) {
    const file = join(values.traces, `${name}-run-${at + 1}.jsonl`)
    writeFileSync(file, `${trace.join('\n')}\n`)
    console.log(`  trace: ${file}`)
  }
}
