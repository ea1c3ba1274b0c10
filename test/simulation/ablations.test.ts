import { describe, expect, test } from 'vitest'
import { ablations } from './steps/ablations.ts'
import { patchedCore } from './steps/patched-source.ts'
import { promiseOf } from './steps/shrink.ts'
import { ofSeed } from './steps/simulate.ts'

const maxSeeds = Number(process.env.ABLATION_SEEDS ?? 20_000)

/** Proves that the simulation detects errors: each rule is removed in turn, and a promise must break. */
describe('the simulation detects a missing rule', () => {
  test.for(ablations)('$name', { timeout: 300_000 }, async (ablation, { annotate }) => {
    const { patches = [], rules = {}, profile = {}, breaks, seed: known } = ablation
    await using core = await patchedCore(patches)
    for (let tried = 0; tried <= maxSeeds; tried++) {
      const seed = tried === 0 ? known : tried
      const found = ofSeed(seed, { createCore: core.createCore, rules, profile })
      const broken = promiseOf(found)
      if (broken === null) continue
      await annotate(`${broken} at seed ${seed}`)
      expect(breaks).toContain(broken)
      return
    }
    expect.fail(`nothing breaks in ${maxSeeds} worlds`)
  })
})
