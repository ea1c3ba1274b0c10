import { startConnector } from './connector-process.ts'
import { type Benchmark, table, whole } from './figures.ts'
import { openStand, type Stand } from './stand.ts'
import { until } from './until.ts'

const updates = 20_000
const rows = 200
const writers = 4
const requestsPerSecond = 10
const batchSize = 100

/** A hot table: how many requests carry its changes, beside those that use every turn of the default quota, and none coalesced. */
export const requests: Benchmark = async (print) => {
  await using stand = await openStand({ rows })
  await using _connector = await startConnector(stand)
  const before = await putRequests(stand)
  const startedAt = performance.now()
  const work = Array.from({ length: writers }, (_, writer) => write(stand, writer))
  await Promise.all(work)
  const workloadSeconds = (performance.now() - startedAt) / 1000
  await until(() => bothEndsAreEqual(stand), { everyMs: 50, withinMs: 120_000, what: 'both ends to be equal' })
  const totalSeconds = (performance.now() - startedAt) / 1000
  const sent = (await putRequests(stand)) - before
  const { byStatus } = await stand.sandbox.totals()

  const perChange = Math.ceil(updates / batchSize)
  const turns = Math.max(Math.ceil(rows / batchSize), Math.ceil(workloadSeconds * requestsPerSecond))
  print(`${whole(updates)} updates of ${rows} rows by ${writers} writers, 600 requests a minute`)
  for (const line of table([
    ['requests', whole(sent)],
    ['  beside: turns that the quota gave meanwhile', whole(turns)],
    ['  without coalescing, every batch full', whole(perChange)],
    ['  refused (429)', whole(byStatus['429'] ?? 0)],
    ['the writers took, s', workloadSeconds.toFixed(2)],
    ['until both ends were equal, s', totalSeconds.toFixed(2)],
  ]))
    print(line)
}

async function write({ pool }: Stand, writer: number): Promise<void> {
  for (let at = writer; at < updates; at += writers) {
    const mailbox = `mailbox${at}@example.org`
    await pool.query('update patients set email = $2 where code = $1', [`P${1 + (at % rows)}`, mailbox])
  }
}

async function putRequests({ sandbox }: Stand): Promise<number> {
  return (await sandbox.arrivals()).filter(({ endpoint }) => endpoint === 'put').length
}

async function bothEndsAreEqual({ pool, sandbox }: Stand): Promise<boolean> {
  const { rows: table } = await pool.query<{ code: string; email: string }>('select code, email from patients')
  const stored = new Map((await sandbox.patients()).map(({ code, email }) => [code, email]))
  return table.every(({ code, email }) => stored.get(code) === email)
}
