import { describe, expect, test } from 'vitest'
import { ablations } from './simulation/ablations.ts'
import { patchedModules } from './simulation/patched-source.ts'
import { promiseOf } from './simulation/shrink.ts'
import { ofSeed } from './simulation/simulate.ts'

const most = Number(process.env.ABLATION_SEEDS ?? 20_000)

/** A simulation that finds nothing proves nothing: each rule is taken out in turn, and a promise must break. */
describe('the simulation finds what breaks without', () => {
  test.for(ablations)('$name', { timeout: 300_000 }, async (ablation, { annotate }) => {
    const { patches = [], rules = {}, profile = {}, breaks } = ablation
    await using modules = await patchedModules(patches)
    for (let seed = 1; seed <= most; seed++) {
      const found = await ofSeed(seed, { modules, rules, profile })
      const broken = promiseOf(found)
      if (broken === null) continue
      await annotate(`${broken} at seed ${seed}`)
      expect(breaks).toContain(broken)
      return
    }
    expect.fail(`nothing breaks in ${most} worlds`)
  })
})
