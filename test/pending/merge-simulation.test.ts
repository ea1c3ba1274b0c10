import { expect, test } from 'vitest'
import { shrink } from './simulation/shrink.ts'
import { ofSeed } from './simulation/simulate.ts'

const first = Number(process.env.SIMULATION_SEED ?? 1)
const seeds = Number(process.env.SIMULATION_SEEDS ?? 10_000)

test('whatever the order of commits, visibility, reads, answers, records and crashes, every promise holds', {
  timeout: Math.max(300_000, seeds * 100),
}, async () => {
  for (let seed = first; seed < first + seeds; seed++) {
    const found = await ofSeed(seed)
    if (found.wrong === null) continue
    const { trace, wrong } = await shrink(found, {})
    expect.fail([`seed ${seed}`, ...trace, wrong].join('\n'))
  }
})
