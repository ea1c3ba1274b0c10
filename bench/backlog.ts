import { areEqual, compareEnds, type Differences } from './compare-ends.ts'
import { type ConnectorOptions, type ConnectorProcess, startConnector } from './connector-process.ts'
import { type Benchmark, type Expect, table, whole } from './figures.ts'
import { imageEnvironment, sampleResidentMemory } from './resident-memory.ts'
import { size } from './scale.ts'
import { openStand, type Stand, slot } from './stand.ts'
import { until } from './until.ts'

const rows = size('BENCH_BACKLOG_ROWS', 100_000)
const updates = size('BENCH_BACKLOG_UPDATES', 1_000_000)
const transactionRows = Math.ceil(rows / 10)
const kills = 5
const peakBelowMiB = 200
const setupPerMinute = 60_000
const requestsPerMinute = Number(process.env.BENCH_REQUESTS_PER_MINUTE ?? 3_000)
const withinMs = 1_800_000

/** One row whose mapped value is stored out of line, and one row to delete, whose code cannot be unsubscribed. */
const setup = `
  alter table patients add column meta jsonb;
  alter table patients alter column meta set storage external;
  insert into patients (code, first_name, gender, birth_date, plan, meta) values
    ('LONG', 'Long', 'female', '1980-02-01', 'basic', jsonb_build_object('note', repeat('x', 5000))),
    ('GONE', 'Gone', 'male', '1980-02-01', 'basic', null)`

/** Process from its start until it was killed, or had finished. */
interface Life {
  readonly until: string
  readonly seconds: number
  readonly peakMiB: number
}

/** Catches up a long backlog after a restart, with SIGKILL five times. Measures the peak of each process, and compares both ends. */
export const backlog: Benchmark = async (print, expect) => {
  await using stand = await openStand({ rows, requestsPerMinute: setupPerMinute, setup })
  const env = await imageEnvironment()
  const options: ConnectorOptions = { env, requestsPerMinute, onDelete: 'unsubscribe' }
  await fillApi(stand, { ...options, requestsPerMinute: setupPerMinute, backfill: 'initial' })
  const written = await writeBacklog(stand)
  await stand.sandbox.faults([{ kind: 'status', status: 500, endpoint: 'get', times: null }])
  await stand.sandbox.limit(requestsPerMinute)

  print(`${whole(updates)} updates of ${whole(rows)} rows wait in the WAL, written in ${written.seconds.toFixed(0)} s;`)
  print(`${whole(requestsPerMinute)} requests a minute (${whole(setupPerMinute)} to fill the API), every GET gets 500`)
  const lives: Life[] = []
  for (let kill = 1; kill <= kills; kill++)
    lives.push(await live(stand, { options, written, share: kill / (kills + 1) }, expect))
  lives.push(await live(stand, { options, written, share: 1 }, expect))
  for (const line of table([
    ['process killed at', 'seconds', 'peak MiB'],
    ...lives.map((life) => [life.until, life.seconds.toFixed(1), life.peakMiB.toFixed(0)]),
  ]))
    print(line)
  for (const [at, { peakMiB }] of lives.entries())
    expect(peakMiB < peakBelowMiB, `process ${at + 1} peaks below ${peakBelowMiB} MiB`)
}

/** Sends every row once, and stops. */
async function fillApi(stand: Stand, options: ConnectorOptions): Promise<void> {
  await using connector = await startConnector(stand, options)
  const isFull = async () => {
    const { delivery } = await connector.status()
    return (await stand.sandbox.totals()).patients === rows + 2 && delivery.pending === 0
  }
  await until(isFull, { everyMs: 200, withinMs, what: 'the API to have every row' })
}

/** Start and end position of the backlog. */
interface Backlog {
  readonly startLsn: string
  readonly endLsn: string
  readonly seconds: number
}

/** Commits transactions of a tenth of the table each. In each round over the table, the row whose value is out of line changes first. */
async function writeBacklog(stand: Stand): Promise<Backlog> {
  const { pool } = stand
  const startedAt = performance.now()
  const startLsn = await currentLsn(stand)
  await pool.query(`delete from patients where code = 'GONE'`)
  for (let written = 0, round = 0; written < updates; round++) {
    await pool.query(`update patients set plan = $1 where code = 'LONG'`, [`plan${round}`])
    for (let from = 1; from <= rows && written < updates; from += transactionRows) {
      const found = await pool.query(
        `update patients set email = 'mailbox' || $1::text || '-' || code || '@example.org'
         where code in (select 'P' || i from generate_series($2::int, $3::int) i)`,
        [round, from, Math.min(rows, from + transactionRows - 1)],
      )
      written += found.rowCount ?? 0
    }
  }
  return { startLsn, endLsn: await currentLsn(stand), seconds: (performance.now() - startedAt) / 1_000 }
}

/** Starts a process and kills it once the slot's confirmed position has passed this share of the backlog; 1: waits for both ends. */
async function live(
  stand: Stand,
  life: { readonly options: ConnectorOptions; readonly written: Backlog; readonly share: number },
  expect: Expect,
): Promise<Life> {
  const startedAt = performance.now()
  await using connector = await startConnector(stand, life.options)
  const memory = sampleResidentMemory(connector.pid)
  const what = life.share < 1 ? `${(100 * life.share).toFixed(0)} % of the backlog` : 'the end of the backlog'
  const isReached = async () => {
    connector.assertRunning()
    return (await confirmedShare(stand, life.written)) >= life.share
  }
  try {
    await until(isReached, { everyMs: 50, withinMs, what }).catch(async (error: unknown) => {
      throw new Error(`${String(error)}; ${await describe(connector)}`)
    })
    if (life.share === 1) await finish(stand, connector, expect)
    await memory.sample()
    const seconds = (performance.now() - startedAt) / 1_000
    await connector.kill()
    return { until: what, seconds, peakMiB: memory.peakMiB() }
  } finally {
    memory.stop()
  }
}

/** Waits until everything is delivered except the removal of the code that cannot be read, and then for that removal. */
async function finish(stand: Stand, connector: ConnectorProcess, expect: Expect): Promise<void> {
  const compare = () => compareEnds(stand, { extraColumn: 'meta' })
  const isOnlyGoneLeft = ({ missing, different, surplus }: Differences) => missing + different === 0 && surplus <= 1
  const isDelivered = async () => {
    const { delivery } = await connector.status()
    return delivery.pending <= 1 && isOnlyGoneLeft(await compare())
  }
  let isEqual = true
  await until(isDelivered, { everyMs: 1_000, withinMs: 1_200_000, what: 'both ends to be equal' }).catch(() => {
    isEqual = false
  })
  expect(isEqual, `both ends are equal but for the code that cannot be read: ${JSON.stringify(await compare())}`)
  await stand.sandbox.clearFaults()
  let isEnded = true
  const isWholeEqual = async () => areEqual(await compare())
  await until(isWholeEqual, { everyMs: 1_000, withinMs: 180_000, what: 'the deleted row to be unsubscribed' }).catch(
    () => {
      isEnded = false
    },
  )
  expect(isEnded, `the code is unsubscribed once it can be read: ${await describe(connector)}`)
}

async function describe(connector: ConnectorProcess): Promise<string> {
  const { state, source, delivery } = await connector.status()
  return JSON.stringify({ state, source, delivery })
}

async function currentLsn({ pool }: Stand): Promise<string> {
  const { rows: found } = await pool.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn')
  return found[0]?.lsn ?? ''
}

async function confirmedShare({ pool }: Stand, { startLsn, endLsn }: Backlog): Promise<number> {
  const { rows: found } = await pool.query<{ share: number }>(
    `select ((confirmed_flush_lsn - $2::pg_lsn) / ($3::pg_lsn - $2::pg_lsn))::float8 as share
     from pg_replication_slots where slot_name = $1`,
    [slot, startLsn, endLsn],
  )
  return found[0]?.share ?? 0
}
