import { setTimeout as sleep } from 'node:timers/promises'
import { startConnector } from './connector-process.ts'
import { type Benchmark, table, whole } from './figures.ts'
import { imageEnvironment, sampleResidentMemory } from './resident-memory.ts'
import { openStand } from './stand.ts'
import { until } from './until.ts'

const rows = Number(process.env.BENCH_ROWS ?? 1_000_000)
const requestsPerMinute = 60_000
const idleMs = 5_000

/** Reads a large table whole, twice. Measures resident memory with the settings of the image, next to that of the same process idle. */
export const memoryBackfill: Benchmark = async (print) => {
  await using stand = await openStand({ rows, requestsPerMinute })
  const env = await imageEnvironment()
  await using connector = await startConnector(stand, { requestsPerMinute, env })
  const rss = sampleResidentMemory(connector.pid)
  await sleep(idleMs)
  const idle = rss.peakMiB()
  const figures: string[][] = [
    ['', 'seconds', 'requests', 'peak MiB'],
    ['  floor: the same process idle before', '', '', idle.toFixed(0)],
  ]
  for (const name of ['read whole', 'read again, nothing changed']) {
    const before = (await stand.sandbox.totals()).requests
    const startedAt = performance.now()
    const { rows: asked } = await stand.pool.query<{ id: string }>(
      `insert into mediquo_cdc.backfill (state, reason) values ('requested', 'asked for') returning id`,
    )
    const isDone = async () => {
      const found = await stand.pool.query('select 1 from mediquo_cdc.backfill where id = $1 and state = $2', [
        asked[0]?.id,
        'done',
      ])
      return found.rows.length > 0
    }
    await until(isDone, { everyMs: 200, withinMs: 1_800_000, what: 'the backfill' })
    const seconds = (performance.now() - startedAt) / 1000
    const sent = (await stand.sandbox.totals()).requests - before
    figures.push([name, seconds.toFixed(1), whole(sent), rss.peakMiB().toFixed(0)])
  }
  await sleep(idleMs)
  rss.stop()
  print(`${whole(rows)} rows, as the image runs it: ${JSON.stringify(env)}`)
  for (const line of table(figures)) print(line)
  print(
    `at the end ${rss.lastMiB().toFixed(0)} MiB, ${whole((await stand.sandbox.totals()).patients)} patients at the API`,
  )
}
