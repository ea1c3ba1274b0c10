import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { seededRandom } from '../src/model/seeded-random.ts'
import type { ConnectorProcess } from './support/crash/crash-process.ts'
import { type CrashScene, crashScene } from './support/crash/crash-scene.ts'
import { startWorkload } from './support/crash/crash-workload.ts'
import { until } from './support/until.ts'

const seed = Number(process.env.CRASH_TEST_SEED ?? Date.now() % 1_000_000)
const kills = Number(process.env.CRASH_TEST_KILLS ?? 20)
const rows = Number(process.env.CRASH_TEST_ROWS ?? 100_000)

test('killed again and again during a backfill, it goes on where it was', { timeout: 600_000 }, async ({
  annotate,
}) => {
  const undisturbed = await backfillUnderLoad(0)
  await annotate(undisturbed.summary)
  const disturbed = await backfillUnderLoad(kills)
  await annotate(disturbed.summary)
  const both = `${undisturbed.summary}\n${disturbed.summary}`
  expect(disturbed.puts, both).toBeLessThanOrEqual(1.2 * undisturbed.puts)
  // Reading back depends on how close together the changes of a row fell.
  expect(disturbed.requests, both).toBeLessThanOrEqual(1.2 * Math.max(undisturbed.requests, undisturbed.puts * 2))
})

const deedsMeanwhile = 400

/** From the first start until the backfill is done and all is quiet, with writers all the while. */
async function backfillUnderLoad(killCount: number) {
  const random = seededRandom(seed)
  // Faster than the API's pace, so that it ends within minutes; what a kill repeats is what was under way.
  const options = { seed, identity: 'default', backfill: 'initial', rows, requestsPerMinute: 2_000 } as const
  await using scene = await crashScene(options)
  let connector = scene.start()
  await connector.reached('batch accepted')
  // As many deeds for each part of the backfill, however long that takes: what they cost is the same with and without kills.
  let deeds = 0
  const pace = async (_: () => number, signal: AbortSignal) => {
    deeds++
    const due = (deeds * rows) / deedsMeanwhile
    const isDue = async () => {
      const { state, rowsRead } = await pass(scene)
      return signal.aborted || state === 'done' || rowsRead >= due
    }
    await until(isDue, { deadlineMs: 300_000 })
  }
  const workload = startWorkload({ url: scene.database.url, seed, writers: 4, most: deedsMeanwhile, pace })
  const read: number[] = []
  try {
    for (let kill = 1; kill <= killCount; kill++) {
      // Spread over the backfill, but for its end, which a busy machine may reach before the last kills: each falls a random time after
      // the next part of it is settled.
      await settledRows(scene, connector, ((kill - 1) / killCount) * 0.8 * rows)
      await delay(random() * 300)
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
  await scene.quiet(connector)
  expect(await connector.stop()).toBe(0)
  return await scene.judge({ kills: killCount, committed: workload.committed, readAtKills: read })
}

async function settledRows(scene: CrashScene, connector: ConnectorProcess, wanted: number): Promise<void> {
  await connector.reached('batch accepted')
  await until(async () => (await pass(scene)).rowsRead >= wanted, { deadlineMs: 120_000 })
}

async function pass({ database }: CrashScene) {
  const [row] = await database.query('select state, rows_read from mediquo_cdc.backfill')
  return { state: row?.state ?? null, rowsRead: Number(row?.rows_read ?? 0) }
}
