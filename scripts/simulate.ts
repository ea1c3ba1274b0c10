import { parseArgs } from 'node:util'
import { shrink } from '../test/pending/simulation/shrink.ts'
import { ofSeed } from '../test/pending/simulation/simulate.ts'

// npm run simulate -- --seeds N --seed S: so many worlds from that seed on. Exit status 1 if a promise is broken in one.

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
})
const [seeds, first] = [Number(values.seeds), Number(values.seed)]
if (!Number.isSafeInteger(seeds) || seeds < 1 || !Number.isSafeInteger(first) || first < 0) {
  console.error('usage: npm run simulate -- --seeds N --seed S, both whole numbers')
  process.exit(2)
}

const startedAtMs = performance.now()
const breaches: number[] = []
for (let seed = first; seed < first + seeds; seed++) {
  const found = await ofSeed(seed)
  if (found.wrong !== null) {
    breaches.push(seed)
    console.log(`seed ${seed}: ${found.wrong}`)
    // The first ones are told in full: the fewest steps that break the same promise.
    if (breaches.length <= 3)
      console.log([...(await shrink(found, {})).trace, ''].map((line) => `  ${line}`).join('\n'))
  }
  const done = seed - first + 1
  if (done % 10_000 === 0 || done === seeds)
    console.log(`${done} worlds, ${breaches.length} breaches, ${perSecond(done)} a second`)
}
console.log(
  `seeds ${first} to ${first + seeds - 1}: ${breaches.length === 0 ? 'every promise holds' : `broken in ${breaches.join(', ')}`}`,
)
process.exitCode = breaches.length === 0 ? 0 : 1

function perSecond(worlds: number): number {
  return Math.round((worlds * 1_000) / (performance.now() - startedAtMs))
}
