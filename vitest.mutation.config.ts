import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const folders = ['model', 'mediquo', 'checkpoint', 'pending', 'delivery', 'pipeline']
const simulations = 'test/simulation/steps.test.ts'
const isSimulated = process.env.MUTATION_SIMULATIONS === '1'

/** Tests that take more than a second in instrumented code. */
const long =
  /(simulation\/steps|stream\/back-pressure|source\/row|delivery\/unsubscribing|isolation\/isolation)\.test\.ts$/

/** The first test that fails decides: those that failed before are asked first, and the long ones last. */
class LongOnesLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => long.test(moduleId)
    return [...sorted.filter((file) => !isLong(file)), ...sorted.filter(isLong)]
  }
}

// What `npm run mutation` asks of every mutant: the tests without a database that stand beside the mutated folders.
export default defineConfig({
  test: {
    include: [...folders.map((folder) => `test/${folder}/**/*.test.ts`), simulations],
    // The ablations are mutants themselves, chosen by hand.
    exclude: [...configDefaults.exclude, '**/*.pg.test.ts', ...(isSimulated ? [] : [simulations])],
    // One environment for all files of a run: creating one for each takes longer than most of the tests.
    isolate: false,
    sequence: { sequencer: LongOnesLast },
    // A part of what they run otherwise.
    env: { SIMULATION_SEEDS: '200', ISOLATION_RUNS: '200' },
    // A mutant that waits for ever is found by it. Instrumented code takes several times as long.
    testTimeout: 40_000,
  },
})
