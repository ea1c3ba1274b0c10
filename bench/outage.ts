import { setTimeout as sleep } from 'node:timers/promises'
import { bothEndsAreEqual } from './both-ends.ts'
import { startConnector } from './connector-process.ts'
import { type Benchmark, table, whole } from './figures.ts'
import { growthMiB, sampleResidentMemory } from './resident-memory.ts'
import { openStand } from './stand.ts'
import { until } from './until.ts'

const minutes = Number(process.env.BENCH_MINUTES ?? 30)
const rows = 5_000
const changesPerSecond = 20
/** Rate-limit windows of the server, one or more, separated by commas: fixed, clock minute, sliding log, sliding counter. */
const windows = (process.env.BENCH_WINDOWS ?? 'fixed').split(',')
const troubles = [
  ['the API is down', 'down'],
  ['the key is revoked', 'keys revoked'],
] as const

/** Changes the table while the API is unreachable, or refuses the key. Measures what is lost, rejected, kept in memory, and sent later. */
export const outage: Benchmark = async (print) => {
  const found = await Promise.all(
    windows.flatMap((window) => troubles.map(([name, kind]) => measure(`${name}, ${window}`, kind, window))),
  )
  print(`${minutes} minutes, ${changesPerSecond} changes a second of ${whole(rows)} rows; all at the same time`)
  const headings = [
    'changes',
    'rows changed',
    'PUT of them after',
    'dead letters',
    'most waiting',
    'MiB in each fifth',
    'growth',
    'equal',
  ]
  for (const line of table([['', ...headings], ...found])) print(line)
}

async function measure(name: string, kind: string, window: string): Promise<string[]> {
  await using stand = await openStand({ rows })
  await stand.sandbox.change({ rateLimit: { kind: window, limit: 600 } })
  await using connector = await startConnector(stand, { backfill: 'initial' })
  const { pool, sandbox } = stand
  const resident = sampleResidentMemory(connector.pid)
  const isDone = async () => (await sandbox.patients()).length === rows
  await until(isDone, { everyMs: 200, withinMs: 120_000, what: 'the backfill' })
  await sandbox.faults([{ kind }])
  const changed = new Set<string>()
  let changes = 0
  let mostWaiting = 0
  const startedAt = performance.now()
  const endMs = Date.now() + minutes * 60_000
  while (Date.now() < endMs) {
    changes++
    const code = `P${1 + ((changes * 7_919) % rows)}`
    changed.add(code)
    await pool.query('update patients set email = $2 where code = $1', [code, `away${changes}@example.org`])
    if (changes % 100 === 0) mostWaiting = Math.max(mostWaiting, (await connector.status()).delivery.pending)
    await sleep(1_000 / changesPerSecond)
  }
  const fifths = resident.fifthsMiB(startedAt, performance.now())
  const before = (await sandbox.arrivals()).at(-1)?.id ?? 0
  await sandbox.clearFaults()
  let equal = true
  await until(() => bothEndsAreEqual(stand), { everyMs: 500, withinMs: 300_000, what: 'both ends to be equal' }).catch(
    () => {
      equal = false
    },
  )
  const after = (await sandbox.arrivals(before)).filter(({ endpoint, status }) => endpoint === 'put' && status === 200)
  const sent = after.reduce((sum, { codes }) => sum + codes.length, 0)
  const { rows: letters } = await pool.query('select 1 from mediquo_cdc.dead_letter')
  resident.stop()
  const counts = [changes, changed.size, sent, letters.length, mostWaiting].map(whole)
  return [name, ...counts, fifths.map(whole).join(' '), growthMiB(fifths).toFixed(1), equal ? 'yes' : 'NO']
}
