import { configDefaults, defineConfig } from 'vitest/config'

const folders = ['model', 'mediquo', 'checkpoint', 'pending', 'delivery']
/** Thousands of seeded runs each: they would decide every mutant by themselves, and take minutes for it. */
const simulations = ['test/pending/{merge-ablations,merge-simulation,simulation}.test.ts']

// What `npm run mutation` asks of every mutant: the fast tests that stand beside the mutated folders.
export default defineConfig({
  test: {
    include: folders.map((folder) => `test/${folder}/**/*.test.ts`),
    exclude: [...configDefaults.exclude, '**/*.pg.test.ts', ...simulations],
    testTimeout: 30_000,
  },
})
