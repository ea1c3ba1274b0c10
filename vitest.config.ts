import { configDefaults, defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'

const everyTest = ['test/**/*.test.ts', 'src/**/*.test.ts']
const databaseTests = ['test/**/*.pg.test.ts', 'src/**/*.pg.test.ts']

// Two projects, so that `vitest run --project unit` and single unit files start no server and build nothing.
export default defineConfig({
  test: {
    pool: 'forks',
    // One more than the cores of the smallest machine that runs them all: a database test waits for servers and answers, and these
    // need a processor too. With more, all of them are late, and those that wait for a deadline fail.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // Only a test that fails gets as far: on a busy machine a server alone takes many seconds to start.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: everyTest,
          exclude: [...configDefaults.exclude, ...databaseTests],
          // One environment for all files of a worker: creating one for each file takes longer than most of the tests.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'pg',
          include: databaseTests,
          globalSetup: 'test/support/postgres/global-setup.ts',
          isolate: false,
        },
      },
    ],
  },
})
