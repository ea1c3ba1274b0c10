import { configDefaults, defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'

const everyTest = ['test/**/*.test.ts', 'src/**/*.test.ts']
const databaseTests = ['test/**/*.pg.test.ts', 'src/**/*.pg.test.ts']

// Two projects, so that `vitest run --project unit` and single unit files start no server and build nothing.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: everyTest, exclude: [...configDefaults.exclude, ...databaseTests] },
      },
      {
        extends: true,
        test: { name: 'pg', include: databaseTests, globalSetup: 'test/support/postgres/global-setup.ts' },
      },
    ],
  },
})
