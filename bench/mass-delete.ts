import { setTimeout as sleep } from 'node:timers/promises'
import { startConnector } from './connector-process.ts'
import { type Benchmark, type Expect, latencies, latencyHeadings, quantile, table, whole } from './figures.ts'
import { nightlyJob } from './nightly-job.ts'
import { containerMiB, imageEnvironment, sampleResidentMemory } from './resident-memory.ts'
import type { Arrival } from './sandbox-process.ts'
import { size } from './scale.ts'
import { openStand, patientColumns, type Stand } from './stand.ts'
import { until } from './until.ts'

const deletes = size('BENCH_DELETES', 200_000)
const seconds = Number(process.env.BENCH_SECONDS ?? 120)
const aloneSeconds = 15
const insertsPerSecond = 20
const setupPerMinute = 60_000
const quotaPerMinute = 600
const medianWithinMs = 1_000
const withinMs = 1_800_000

/** Deletes many rows in one statement, each of which needs a GET before its code can be unsubscribed, while others are inserted. */
export const massDelete: Benchmark = async (print, expect) => {
  await measureDelete(print, expect)
  await nightlyJob(print, expect)
}

async function measureDelete(print: (line: string) => void, expect: Expect): Promise<void> {
  await using stand = await openStand({ rows: deletes, requestsPerMinute: setupPerMinute })
  const env = await imageEnvironment()
  await fillApi(stand, env)
  await stand.sandbox.limit(quotaPerMinute)
  await using connector = await startConnector(stand, { env, onDelete: 'unsubscribe' })
  const memory = sampleResidentMemory(connector.pid)
  const arrivals = collectArrivals(stand)
  const writer = startWriter(stand)
  await sleep(aloneSeconds * 1_000)
  const alone = writer.inserts.length
  const deletedAtMs = Date.now()
  await stand.pool.query(`delete from patients where code like 'P%'`)
  await sleep(seconds * 1_000)
  await writer.stop()
  const hasAll = async () => {
    connector.assertRunning()
    await arrivals.collect()
    return writer.inserts.every(({ code }) => arrivals.acceptedAtMs.has(code))
  }
  await until(hasAll, { everyMs: 500, withinMs: 60_000, what: 'every insert to be accepted' }).catch(() => undefined)
  await memory.sample()
  memory.stop()
  const { delivery } = await connector.status()

  const delays = writer.inserts.map(({ code, committedAtMs }) => {
    const atMs = arrivals.acceptedAtMs.get(code)
    return atMs === undefined ? Number.POSITIVE_INFINITY : atMs - committedAtMs
  })
  const during = delays.slice(alone)
  print(
    `${whole(deletes)} deletes in one transaction, ${insertsPerSecond} inserts a second for ${whole(seconds)} s after it;`,
  )
  print(
    `${quotaPerMinute} requests a minute of either kind (${whole(setupPerMinute)} to fill the API before), as the image runs it`,
  )
  for (const line of table([
    ['commit of an insert to its acceptance', ...latencyHeadings],
    ['with the deletes', ...latencies(during)],
    ['  floor: before them', ...latencies(delays.slice(0, alone))],
  ]))
    print(line)
  const ends = arrivals.ends.filter(({ epochMs }) => epochMs >= deletedAtMs)
  const codesEnded = ends.reduce((sum, { codes }) => sum + codes, 0)
  for (const line of table([
    ['inserts', whole(writer.inserts.length)],
    ['  never accepted', whole(delays.filter((delay) => delay === Number.POSITIVE_INFINITY).length)],
    ['codes unsubscribed', whole(codesEnded)],
    ['  in requests', whole(ends.length)],
    ['  patients to unsubscribe in each', (codesEnded / ends.length).toFixed(1)],
    ['  with nothing else in it', whole(ends.filter(({ isAlone }) => isAlone).length)],
    ['GET requests', whole(arrivals.gets)],
    ['pending at the end', whole(delivery.pending)],
    ['peak resident memory, MiB', memory.peakMiB().toFixed(0)],
  ]))
    print(line)
  const median = quantile(during, 0.5)
  expect(median <= medianWithinMs, `the median of the inserts is within ${medianWithinMs / 1_000} s`)
  expect(delays.every(Number.isFinite), 'every insert is accepted')
  expect(memory.peakMiB() < containerMiB, `the peak is below ${containerMiB} MiB`)
}

/** Sends every row, and waits until the requests noted in the store no longer count against the quota. */
async function fillApi(stand: Stand, env: Readonly<Record<string, string>>): Promise<void> {
  await using connector = await startConnector(stand, {
    requestsPerMinute: setupPerMinute,
    env,
    backfill: 'initial',
    onDelete: 'unsubscribe',
  })
  const isFull = async () => {
    const { delivery } = await connector.status()
    return (await stand.sandbox.totals()).patients === deletes && delivery.pending === 0
  }
  await until(isFull, { everyMs: 200, withinMs, what: 'the API to have every row' })
  await connector.stop()
  await sleep(61_000)
}

/** Inserts new rows at an even pace. */
function startWriter({ pool }: Stand) {
  const inserts: { readonly code: string; readonly committedAtMs: number }[] = []
  const writes = new Set<Promise<void>>()
  let number = 0
  const timer = setInterval(() => {
    number++
    const code = `NEW${number}`
    const write = pool
      .query<{ now: string }>(
        `insert into patients (${patientColumns})
         values ($1, 'Given', 'Family', 'female', '1980-02-01', null, 'premium')
         returning extract(epoch from clock_timestamp()) * 1000 as now`,
        [code],
      )
      .then(({ rows: [row] }) => void inserts.push({ code, committedAtMs: Number(row?.now) }))
      .finally(() => writes.delete(write))
    writes.add(write)
  }, 1_000 / insertsPerSecond)
  return {
    inserts,
    async stop() {
      clearInterval(timer)
      await Promise.all(writes)
      inserts.sort((a, b) => a.committedAtMs - b.committedAtMs)
    },
  }
}

/** Follows the sandbox's record of requests, which keeps only the newest ones. */
function collectArrivals({ sandbox }: Stand) {
  const acceptedAtMs = new Map<string, number>()
  /** Requests with codes of deleted rows. */
  const ends: { readonly epochMs: number; readonly codes: number; readonly isAlone: boolean }[] = []
  let lastId = 0
  let gets = 0
  const note = ({ endpoint, status, epochMs, arrivedAtMs, answeredAtMs, codes }: Arrival) => {
    if (endpoint === 'get') gets++
    if (endpoint !== 'put' || status !== 200 || answeredAtMs === null) return
    for (const code of codes)
      if (code.startsWith('NEW') && !acceptedAtMs.has(code))
        acceptedAtMs.set(code, epochMs + (answeredAtMs - arrivedAtMs))
    const ended = codes.filter((code) => code.startsWith('P')).length
    if (ended > 0) ends.push({ epochMs, codes: ended, isAlone: ended === codes.length })
  }
  return {
    acceptedAtMs,
    ends,
    get gets() {
      return gets
    },
    async collect() {
      for (const arrival of await sandbox.arrivals(lastId)) {
        // A request that is not answered yet is read again, with those after it.
        if (arrival.answeredAtMs === null) return
        lastId = arrival.id
        note(arrival)
      }
    },
  }
}
