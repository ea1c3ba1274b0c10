import { describe, expect, test } from 'vitest'
import { seededRandom } from '../src/model/seeded-random.ts'
import { crashScene } from './support/crash/crash-scene.ts'
import { startWorkload } from './support/crash/crash-workload.ts'
import { shortOrLong } from './support/test-form.ts'
import { until } from './support/until.ts'

const seed = Number(process.env.CRASH_TEST_SEED ?? Date.now() % 1_000_000)
const kills = Number(process.env.CRASH_TEST_KILLS ?? shortOrLong(5, 18))

describe.concurrent('a connector that is killed repeatedly under writers', () => {
  test.for(['default', 'full'] as const)(
    'leaves both ends equal, and no patient went back to an older version: replica identity %s',
    { timeout: 300_000 },
    async (identity, { annotate }) => {
      const random = seededRandom(seed)
      await using scene = await crashScene({ seed, identity, backfill: 'never', requestsPerMinute: 60_000 })
      let connector = scene.start()
      await connector.reached('streaming')
      const workload = startWorkload({ url: scene.database.url, seed, writers: 4 })
      try {
        for (let kill = 0; kill < kills; kill++) {
          // A quarter of the kills happens while catching up, before the first answer of the run.
          await connector.reached(random() < 1 / 4 ? 'streaming' : 'batch accepted')
          const requests = scene.sandbox.requests.length + Math.floor(8 * random())
          await until(() => scene.sandbox.requests.length >= requests)
          await connector.kill()
          await scene.positions()
          connector = scene.start()
        }
      } finally {
        await workload.stop()
      }
      await scene.settled(connector)
      await scene.quiet(connector)
      expect(await connector.stop()).toBe(0)
      const { summary } = await scene.judge({ kills, committed: workload.committed })
      await annotate(summary)
    },
  )
})
