import { setTimeout as sleep } from 'node:timers/promises'
import { startConnector } from './connector-process.ts'
import { type Benchmark, table, whole } from './figures.ts'
import { makeSlot } from './library-alone.ts'
import { startNaive } from './naive/process.ts'
import { openStand, publication, type Stand, slot } from './stand.ts'

const rows = 5_000
const seconds = Number(process.env.BENCH_SECONDS ?? 60)
const updatesPerSecond = 100
const timeZone = 'Europe/Madrid'
const quietMs = 20_000

/** Faults that every connector meets occasionally. */
const faults = [
  { kind: 'fail after applying', answer: 'reset', endpoint: 'put', probability: 0.05, seed: 1 },
  { kind: 'status', status: 503, endpoint: 'put', probability: 0.1, seed: 2 },
  { kind: 'slow', endpoint: 'put', delayMs: 700, probability: 0.2, seed: 3 },
]

interface Running {
  kill(): Promise<void>
  stop(): Promise<void>
}

/** Runs a connector written in an afternoon and this one under the same faults, and compares what each has lost. */
export const naive: Benchmark = async (print) => {
  const contestants = {
    'from the README': (stand: Stand) => startNaive(stand, { slot, timeZone }),
    'this connector': (stand: Stand) => startConnector(stand, { env: { TZ: timeZone } }),
  }
  const found = await Promise.all(Object.entries(contestants).map(([name, start]) => measure(name, start)))
  print(
    `${updatesPerSecond} updates a second of ${whole(rows)} rows for ${seconds} s, then one of every row in one transaction;`,
  )
  print(
    'answers lost or late, some 503, one patient that the API refuses; kill -9 three times, one restart of the server',
  )
  const headings = ['rows changed', 'outdated or missing', 'wrong birth date', 'sent back in time', 'requests', '429']
  for (const line of table([['', ...headings], ...found])) print(line)
}

async function measure(name: string, start: (stand: Stand) => Promise<Running>): Promise<string[]> {
  await using stand = await openStand({ rows, recordPatients: true })
  const { pool, sandbox } = stand
  await pool.query(`create publication ${publication} for table patients`)
  await makeSlot(stand, slot)
  await sandbox.change({ latencyMs: 20 })
  await sandbox.faults(faults)
  // The API refuses the row from its first change on.
  await pool.query(`update patients set gender = 'unknown' where code = 'P77'`)
  let connector = await start(stand)
  const changed = new Set<number>([77])
  const startedAt = performance.now()
  let versions = 0
  for (let third = 1; third <= 3; third++) {
    while (performance.now() - startedAt < (third * seconds * 1_000) / 3) {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * updatesPerSecond)
      for (; versions < due; ) changed.add(await update(stand, ++versions))
      await sleep(10)
    }
    await connector.kill()
    if (third === 2) {
      await stand.server.stop('fast')
      await stand.server.start()
    }
    connector = await start(stand)
  }
  await pool.query(`update patients set email = 'v' || $1 || '@example.org'`, [++versions])
  await whenQuiet(stand)
  await sandbox.clearFaults()
  await whenQuiet(stand)
  await connector.stop()
  return [name, ...(await judge(stand))]
}

/** Updates a row. Each version has a larger number than the one before it. @returns the row. */
async function update({ pool }: Stand, version: number): Promise<number> {
  const row = 1 + ((version * 7_919) % rows)
  await pool.query(`update patients set email = $2 where code = $1`, [`P${row}`, `v${version}@example.org`])
  return row
}

async function whenQuiet({ sandbox }: Stand): Promise<void> {
  let last = -1
  for (;;) {
    const { requests } = await sandbox.totals()
    if (requests === last) return
    last = requests
    await sleep(quietMs)
  }
}

async function judge({ pool, sandbox }: Stand): Promise<string[]> {
  const { rows: wanted } = await pool.query<{ code: string; email: string; birth: string }>(
    `select code, email, birth_date::text as birth from patients where gender <> 'unknown'`,
  )
  const stored = new Map((await sandbox.patients()).map((patient) => [patient.code, patient]))
  const outdated = wanted.filter(({ code, email }) => stored.get(code)?.email !== email).length
  const wrongDate = wanted.filter(({ code, birth }) => {
    const found = stored.get(code)
    return found !== undefined && String(found.birth_date).slice(0, 10) !== birth
  }).length
  const newest = new Map<string, number>()
  let back = 0
  const arrivals = (await sandbox.arrivals()).filter(({ endpoint }) => endpoint === 'put')
  for (const { patients = [], status } of arrivals) {
    if (status !== 200) continue
    for (const { code, email } of patients) {
      const version = Number(/^v(\d+)@/.exec(email ?? '')?.[1] ?? 0)
      if (version < (newest.get(code) ?? 0)) back++
      newest.set(code, Math.max(version, newest.get(code) ?? 0))
    }
  }
  const refused = arrivals.filter(({ status }) => status === 429).length
  return [wanted.length, outdated, wrongDate, back, arrivals.length, refused].map(whole)
}
