import { setTimeout as sleep } from 'node:timers/promises'
import { areEqual, compareEnds } from './compare-ends.ts'
import { type ConnectorProcess, startConnector } from './connector-process.ts'
import { type Benchmark, type Expect, table, whole } from './figures.ts'
import { containerMiB, imageEnvironment, sampleResidentMemory } from './resident-memory.ts'
import { size } from './scale.ts'
import { openStand, type Stand } from './stand.ts'
import { commitTransaction, isAnyOwed, isConfirmedPast } from './transaction.ts'
import { until } from './until.ts'

const wideRows = size('BENCH_WIDE_ROWS', 20_000)
const wideBytes = 50_000
const toastedRows = size('BENCH_TOASTED_ROWS', 100_000)
const toastedBytes = 2_500
const requestsPerMinute = 60_000
const idleMs = 5_000
const withinMs = 1_800_000

/** Large transaction, with values that the stream carries or with values that it does not. */
interface Workload {
  readonly name: string
  /** Rows before, and the statements that prepare the table. */
  readonly rows: number
  readonly setup: string
  /** Statement of the transaction. */
  readonly statement: string
  /** Fetches patients one by one, if true: one answer of the sandbox cannot hold all of them. */
  readonly isOneByOne: boolean
}

const workloads: readonly Workload[] = [
  {
    name: `insert of ${whole(wideRows)} rows of ${whole(wideBytes)} bytes`,
    rows: 0,
    setup: 'alter table patients add column meta jsonb',
    // A text that compresses well: it costs the server little, and the stream carries all of it.
    statement: `
      insert into patients (code, first_name, gender, birth_date, plan, meta)
      select 'P' || i, 'Given' || i, 'female', date '1930-01-01' + i % 30000, 'premium',
        jsonb_build_object('note', i || repeat('wide ', ${wideBytes / 5})) from generate_series(1, ${wideRows}) i`,
    isOneByOne: true,
  },
  {
    name: `update of ${whole(toastedRows)} rows with an unchanged value of ${whole(toastedBytes)} bytes out of line`,
    rows: toastedRows,
    setup: `
      alter table patients add column meta jsonb;
      alter table patients alter column meta set storage external;
      create function note() returns trigger language plpgsql as
        $$ begin new.meta = jsonb_build_object('note', new.code || repeat('x', ${toastedBytes})); return new; end $$;
      create trigger note before insert on patients for each row execute function note()`,
    statement: `update patients set plan = 'basic'`,
    isOneByOne: false,
  },
]

export const wide: Benchmark = async (print, expect) => {
  print(`${whole(requestsPerMinute)} requests a minute, as the image runs it`)
  const lines = [
    ['one transaction', 'idle MiB', 'peak MiB', 'at the end', 'seconds', 'requests', 'missing, different, surplus'],
  ]
  for (const workload of workloads) lines.push(await measure(workload, expect))
  for (const line of table(lines)) print(line)
}

async function measure({ name, rows, setup, statement, isOneByOne }: Workload, expect: Expect): Promise<string[]> {
  await using stand = await openStand({ rows, requestsPerMinute, setup })
  const env = await imageEnvironment()
  // Another process sends the existing rows first, so that the peak is of the transaction alone.
  if (rows > 0) {
    await using first = await startConnector(stand, { requestsPerMinute, env, backfill: 'initial' })
    await until(() => isQuiet(stand, first, rows), { everyMs: 200, withinMs, what: 'the API to have every row' })
  }
  await using connector = await startConnector(stand, { requestsPerMinute, env })
  const memory = sampleResidentMemory(connector.pid)
  await sleep(idleMs)
  const idleMiB = memory.peakMiB()
  const before = (await stand.sandbox.totals()).requests
  const startedAt = performance.now()
  const insideLsn = await commitTransaction(stand, statement)
  const isDone = async () =>
    (await isConfirmedPast(stand, insideLsn)) && (await isQuiet(stand, connector, rows || wideRows))
  await until(isDone, { everyMs: 200, withinMs, what: `the ${name}` }).catch(async (error: unknown) => {
    const { state, source, delivery } = await connector.status()
    throw new Error(`${String(error)}; peak ${memory.peakMiB()} MiB; ${JSON.stringify({ state, source, delivery })}`)
  })
  const seconds = (performance.now() - startedAt) / 1_000
  const requests = (await stand.sandbox.totals()).requests - before
  await sleep(idleMs)
  memory.stop()
  const lastMiB = memory.lastMiB()
  await connector.stop()
  await stand.sandbox.limit(10_000_000)
  const ends = await compareEnds(stand, { extraColumn: 'meta', isOneByOne })
  expect(memory.peakMiB() < containerMiB, `${name}: the peak is below ${containerMiB} MiB`)
  expect(areEqual(ends), `${name}: both ends are equal`)
  return [
    name,
    idleMiB.toFixed(0),
    memory.peakMiB().toFixed(0),
    lastMiB.toFixed(0),
    seconds.toFixed(1),
    whole(requests),
    [ends.missing, ends.different, ends.surplus].map(whole).join(' '),
  ]
}

/** Returns true if the API has as many patients as there are rows, and no row waits, in memory or in the store. */
async function isQuiet(stand: Stand, connector: ConnectorProcess, patients: number): Promise<boolean> {
  // The store is read first: a row that it no longer owes waits in memory, or is delivered.
  if (await isAnyOwed(stand)) return false
  const { delivery } = await connector.status()
  return delivery.pending + delivery.inFlight === 0 && (await stand.sandbox.totals()).patients === patients
}
