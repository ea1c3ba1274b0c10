import { expect, test } from 'vitest'
import { seededRandom } from '../src/model/seeded-random.ts'
import type { ConnectorProcess } from './support/crash/crash-process.ts'
import { type CrashScene, crashScene } from './support/crash/crash-scene.ts'
import { startWorkload } from './support/crash/crash-workload.ts'
import { shortOrLong } from './support/test-form.ts'
import { until } from './support/until.ts'

const seed = Number(process.env.CRASH_TEST_SEED ?? Date.now() % 1_000_000)
const kills = Number(process.env.CRASH_TEST_KILLS ?? shortOrLong(4, 20))
const rows = Number(process.env.CRASH_TEST_ROWS ?? shortOrLong(20_000, 100_000))

test('a backfill that is killed repeatedly continues where it was', { timeout: 600_000 }, async ({ annotate }) => {
  const undisturbed = await backfillUnderLoad(0)
  await annotate(undisturbed.summary)
  const disturbed = await backfillUnderLoad(kills)
  await annotate(disturbed.summary)
  const both = `${undisturbed.summary}\n${disturbed.summary}`
  expect(disturbed.puts, both).toBeLessThanOrEqual(1.2 * undisturbed.puts)
  // The number of read-backs depends on the intervals between the changes of a row.
  expect(disturbed.requests, both).toBeLessThanOrEqual(1.2 * Math.max(undisturbed.requests, undisturbed.puts * 2))
})

/** One transaction for this number of rows of the backfill. */
const rowsPerDeed = 250

/** Runs from the first start until the backfill is done and nothing is pending, under writers all the time. */
async function backfillUnderLoad(killCount: number) {
  const random = seededRandom(seed)
  // Faster than the API's limit, so that the test ends within minutes. A kill repeats what was in flight.
  const options = { seed, identity: 'default', backfill: 'initial', rows, requestsPerMinute: 2_000 } as const
  await using scene = await crashScene(options)
  let connector = scene.start()
  await connector.reached('batch accepted')
  // The same number of transactions for each part of the backfill, however long it takes: their cost is the same with and without kills.
  let deeds = 0
  const pace = async (_: () => number, signal: AbortSignal) => {
    deeds++
    const due = deeds * rowsPerDeed
    const isDue = async () => {
      const { state, rowsRead } = await pass(scene)
      return signal.aborted || state === 'done' || rowsRead >= due
    }
    await until(isDue, { deadlineMs: 300_000 })
  }
  const workload = startWorkload({ url: scene.database.url, seed, writers: 4, most: rows / rowsPerDeed, pace })
  const read: number[] = []
  try {
    for (let kill = 1; kill <= killCount; kill++) {
      // Kills are spread over the backfill, except for its end, which a busy machine may reach before the last kills. Each kill comes at a
      // random place of its part.
      await settledRows(scene, connector, ((kill - 1 + random()) / killCount) * 0.8 * rows)
      await connector.kill()
      await scene.positions()
      const { state, rowsRead } = await pass(scene)
      expect(state, `the backfill was over before kill ${kill} (seed ${seed})`).not.toBe('done')
      expect(rowsRead, `the backfill fell back (seed ${seed})`).toBeGreaterThanOrEqual(read.at(-1) ?? 0)
      read.push(rowsRead)
      connector = scene.start()
    }
    await until(async () => (await pass(scene)).state === 'done', { deadlineMs: 300_000 })
    await workload.done
  } finally {
    await workload.stop()
  }
  // The cost of the backfill: what the kills left in doubt is sent again a minute later.
  const cost = await scene.settled(connector)
  await scene.quiet(connector)
  expect(await connector.stop()).toBe(0)
  const { summary } = await scene.judge({ kills: killCount, committed: workload.committed, readAtKills: read, cost })
  return { ...cost, summary }
}

async function settledRows(scene: CrashScene, connector: ConnectorProcess, wanted: number): Promise<void> {
  await connector.reached('batch accepted')
  await until(async () => (await pass(scene)).rowsRead >= wanted, { deadlineMs: 120_000 })
}

async function pass({ database }: CrashScene) {
  const [row] = await database.query('select state, rows_read from mediquo_cdc.backfill')
  return { state: row?.state ?? null, rowsRead: Number(row?.rows_read ?? 0) }
}
