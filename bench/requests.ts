import { setTimeout as sleep } from 'node:timers/promises'
import { startConnector } from './connector-process.ts'
import { type Benchmark, table, whole } from './figures.ts'
import { type Commit, leastRequests } from './least-requests.ts'
import { size } from './scale.ts'
import { openStand, type Stand } from './stand.ts'
import { until } from './until.ts'

const updates = size('BENCH_CHANGES', 20_000)
const rows = 20_000
const writers = 4
const batchSize = 100

/** Workloads. Each returns the row that the update of this number changes, from 1. */
export const workloads: Readonly<Record<string, (at: number) => number>> = {
  'few rows, alike': (at) => 1 + (at % 200),
  'all rows, alike': (at) => 1 + ((at * 7_919) % rows),
  // Four of five changes are of fifty rows, as of the patients of a ward.
  skewed: (at) => (at % 5 === 0 ? 1 + ((at * 7_919) % rows) : 1 + (at % 50)),
}

/** Counts the requests for the changes of a workload, next to the minimum and to those of a sender that does not coalesce. */
export const requests: Benchmark = async (print) => {
  print(`${whole(updates)} updates of ${whole(rows)} rows by ${writers} writers, 600 requests a minute`)
  const headings = ['requests', 'least possible', 'ratio', 'without coalescing', '429', 'written in s', 'equal after s']
  const lines = [['', ...headings]]
  for (const [name, rowOf] of Object.entries(workloads)) {
    const { sent, least, refused, writtenSeconds, equalSeconds } = await measureRequests(rowOf)
    lines.push([
      name,
      whole(sent),
      whole(least),
      (sent / least).toFixed(3),
      whole(Math.ceil(updates / batchSize)),
      whole(refused),
      writtenSeconds.toFixed(2),
      equalSeconds.toFixed(2),
    ])
  }
  for (const line of table(lines)) print(line)
}

interface RequestCount {
  readonly sent: number
  readonly least: number
  /** Number of requests answered with 429. */
  readonly refused: number
  readonly writtenSeconds: number
  readonly equalSeconds: number
}

interface WorkloadOptions {
  /** Folder of the build; that of this revision by default. */
  readonly dist?: string
  /** Updates a second; as many as the writers can by default. */
  readonly rate?: number
}

/** @param rowOf returns the row that the update of a number changes. */
export async function measureRequests(
  rowOf: (at: number) => number,
  { rate = Number.POSITIVE_INFINITY, ...build }: WorkloadOptions = {},
): Promise<RequestCount> {
  await using stand = await openStand({ rows })
  await using _connector = await startConnector(stand, build)
  const before = await putRequests(stand)
  const commits: Commit[] = []
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(stand, { writer, rowOf, commits, rate })))
  const writtenSeconds = (performance.now() - startedAt) / 1_000
  await until(() => bothEndsAreEqual(stand, commits), { everyMs: 50, withinMs: 120_000, what: 'both ends to be equal' })
  const equalSeconds = (performance.now() - startedAt) / 1_000
  const sent = (await putRequests(stand)) - before
  const least = leastRequests(commits)
  const { byStatus } = await stand.sandbox.totals()
  return { sent, least, refused: byStatus['429'] ?? 0, writtenSeconds, equalSeconds }
}

interface Work {
  readonly writer: number
  readonly rowOf: (at: number) => number
  readonly commits: Commit[]
  readonly rate: number
}

async function write({ pool }: Stand, { writer, rowOf, commits, rate }: Work): Promise<void> {
  const startedAt = performance.now()
  for (let at = writer; at < updates; at += writers) {
    const earlyMs = startedAt + (at / rate) * 1_000 - performance.now()
    if (earlyMs > 1) await sleep(earlyMs)
    const code = `P${rowOf(at)}`
    await pool.query('update patients set email = $2 where code = $1', [code, `mailbox${at}@example.org`])
    commits.push({ atMs: performance.now(), code })
  }
}

async function putRequests({ sandbox }: Stand): Promise<number> {
  return (await sandbox.arrivals()).filter(({ endpoint }) => endpoint === 'put').length
}

async function bothEndsAreEqual({ pool, sandbox }: Stand, commits: readonly Commit[]): Promise<boolean> {
  const changed = [...new Set(commits.map(({ code }) => code))]
  const stored = new Map((await sandbox.patients()).map(({ code, email }) => [code, email]))
  if (changed.some((code) => !stored.has(code))) return false
  const { rows: found } = await pool.query<{ code: string; email: string }>(
    'select code, email from patients where code = any($1)',
    [changed],
  )
  return found.every(({ code, email }) => stored.get(code) === email)
}
