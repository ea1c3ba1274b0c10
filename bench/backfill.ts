import { setTimeout as sleep } from 'node:timers/promises'
import { bothEndsAreEqual } from './both-ends.ts'
import { type ConnectorProcess, startConnector } from './connector-process.ts'
import { type Benchmark, latencies, latencyHeadings, table, whole } from './figures.ts'
import type { Arrival } from './sandbox-process.ts'
import { openStand, type Stand } from './stand.ts'
import { until } from './until.ts'

const rows = Number(process.env.BENCH_ROWS ?? 200_000)
const changesPerSecond = 50
const aloneSeconds = 60
const quotaPerMinute = 600

/** Change of one row: the number in its mailbox, and the time before its commit, milliseconds of the epoch. */
interface LiveChange {
  readonly code: string
  readonly number: number
  readonly committedAtMs: number
}

/** Reads a full table while changes go on. Measures the delay of these changes with and without the backfill, and the used quota. */
export const backfill: Benchmark = async (print) => {
  await using stand = await openStand({ rows, recordPatients: true })
  await using connector = await startConnector(stand)
  const writer = startWriter(stand)
  await sleep(aloneSeconds * 1_000)
  const alone = writer.changes.length
  const activity = watchActivity(stand)
  await stand.pool.query(`insert into mediquo_cdc.backfill (state, reason) values ('requested', 'asked for')`)
  await until(() => isBackfilling(connector, true), { everyMs: 10, withinMs: 30_000, what: 'the backfill to begin' })
  const beganAtMs = Date.now()
  await until(() => isBackfilling(connector, false), { everyMs: 20, withinMs: 1_800_000, what: 'the backfill' })
  const endedAtMs = Date.now()
  const longestMs = await activity.stop()
  await writer.stop()
  const equal = () => bothEndsAreEqual(stand)
  await until(equal, { everyMs: 200, withinMs: 60_000, what: 'both ends to be equal' })

  const puts = (await stand.sandbox.arrivals()).filter(({ endpoint }) => endpoint === 'put')
  const during = puts.filter(({ epochMs }) => epochMs >= beganAtMs && epochMs < endedAtMs)
  const { byStatus } = await stand.sandbox.totals()
  const { delays, back } = follow(writer.changes, puts)
  const minutes = (endedAtMs - beganAtMs) / 60_000
  print(
    `${whole(rows)} rows, ${changesPerSecond} changes a second at the same time, ${quotaPerMinute} requests a minute`,
  )
  for (const line of table([
    ['commit to arrival', ...latencyHeadings],
    ['with the backfill', ...latencies(delays.slice(alone))],
    ['  floor: without it, before', ...latencies(delays.slice(0, alone))],
  ]))
    print(line)
  for (const line of table([
    ['the backfill took, s', (minutes * 60).toFixed(1)],
    ['requests in that time', whole(during.length)],
    ['  of the quota, %', ((100 * during.length) / (minutes * quotaPerMinute)).toFixed(2)],
    ['  refused (429)', whole(byStatus['429'] ?? 0)],
    ['patients in a request', (during.reduce((sum, { codes }) => sum + codes.length, 0) / during.length).toFixed(1)],
    ['changes', whole(writer.changes.length)],
    ['  after which an older value arrived', whole(back)],
    ['longest transaction of the connector, ms', longestMs.toFixed(0)],
  ]))
    print(line)
}

/** Updates rows all over the table at an even pace. */
function startWriter({ pool }: Stand) {
  const changes: LiveChange[] = []
  const writes = new Set<Promise<void>>()
  let number = 0
  const timer = setInterval(() => {
    number++
    const change = { code: `P${1 + ((number * 7_919) % rows)}`, number }
    const write = pool
      .query<{ now: string }>(
        'update patients set email = $2 where code = $1 returning extract(epoch from clock_timestamp()) * 1000 as now',
        [change.code, `live${change.number}@example.org`],
      )
      .then(({ rows: [row] }) => {
        changes.push({ ...change, committedAtMs: Number(row?.now) })
      })
      .finally(() => writes.delete(write))
    writes.add(write)
  }, 1_000 / changesPerSecond)
  return {
    changes,
    async stop() {
      clearInterval(timer)
      await Promise.all(writes)
    },
  }
}

/** Measures the time of each change until a request brought it, and how often a request brought an older version than the one before. */
function follow(changes: readonly LiveChange[], puts: readonly Arrival[]) {
  const seen = new Map<string, { readonly epochMs: number; readonly number: number }[]>()
  let back = 0
  for (const { epochMs, patients = [] } of puts) {
    for (const { code, email } of patients) {
      const number = Number(/^live(\d+)@/.exec(email ?? '')?.[1] ?? 0)
      const before = seen.get(code) ?? []
      if (number < (before.at(-1)?.number ?? 0)) back++
      seen.set(code, [...before, { epochMs, number }])
    }
  }
  const delays = changes.flatMap(({ code, number, committedAtMs }) => {
    const arrival = seen.get(code)?.find((sent) => sent.number >= number)
    return arrival ? [arrival.epochMs - committedAtMs] : []
  })
  return { delays, back }
}

async function isBackfilling(connector: ConnectorProcess, wanted: boolean): Promise<boolean> {
  return ((await connector.status()).state === 'backfilling') === wanted
}

/** Observes the connector's sessions ten times a second. The walsender has no transaction. */
function watchActivity({ pool }: Stand) {
  let longestMs = 0
  let stopped = false
  const watching = (async () => {
    while (!stopped) {
      const { rows: found } = await pool.query<{ ms: number | null }>(
        `select (extract(epoch from max(clock_timestamp() - xact_start)) * 1000)::float8 as ms from pg_stat_activity
         where application_name = 'mediquo-cdc' and backend_type = 'client backend' and state <> 'idle'`,
      )
      longestMs = Math.max(longestMs, found[0]?.ms ?? 0)
      await sleep(100)
    }
  })()
  return {
    async stop() {
      stopped = true
      await watching
      return longestMs
    },
  }
}
