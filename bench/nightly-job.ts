import { setTimeout as sleep } from 'node:timers/promises'
import { areEqual, compareEnds } from './compare-ends.ts'
import { startConnector } from './connector-process.ts'
import { type Benchmark, type Expect, table, whole } from './figures.ts'
import { containerMiB, imageEnvironment, sampleResidentMemory } from './resident-memory.ts'
import { size } from './scale.ts'
import { inventedPatient, openStand, patientColumns } from './stand.ts'
import { commitTransaction, isAnyOwed, isConfirmedPast } from './transaction.ts'
import { until } from './until.ts'

const rows = size('BENCH_NIGHTLY_ROWS', 30_000)
const quotaPerMinute = 600
const quietMs = 5_000
const withinMs = 1_800_000

/** Keys of the job's rows: their code, which is the same again, or a number, which is new. */
const tables = {
  'by code': '',
  'by a new number': `
    alter table patients drop constraint patients_pkey;
    alter table patients add column id bigint generated always as identity primary key`,
} as const

/** Deletes every row and inserts it again, one in three changed, in one transaction. Checks that no patient is unsubscribed. */
export const nightlyJob: Benchmark = async (print, expect) => {
  print(`${whole(rows)} rows deleted and inserted again in one transaction, one in three changed;`)
  print(`${quotaPerMinute} requests a minute, as the image runs it`)
  const lines = [
    [
      'the rows are keyed',
      'patients unsubscribed',
      'seconds until quiet',
      'PUT',
      'GET',
      'peak MiB',
      'missing, different, surplus',
    ],
  ]
  for (const [name, setup] of Object.entries(tables)) lines.push([name, ...(await measure(name, setup, expect))])
  for (const line of table(lines)) print(line)
}

async function measure(name: string, setup: string, expect: Expect): Promise<string[]> {
  await using stand = await openStand({ rows, recordPatients: true, setup })
  const { sandbox } = stand
  const env = await imageEnvironment()
  await using connector = await startConnector(stand, { env, backfill: 'initial', onDelete: 'unsubscribe' })
  const memory = sampleResidentMemory(connector.pid)
  const isIdle = async () => {
    if (await isAnyOwed(stand)) return false
    const { delivery } = await connector.status()
    return delivery.pending + delivery.inFlight === 0
  }
  const isFull = async () => (await sandbox.totals()).patients === rows && (await isIdle())
  await until(isFull, { everyMs: 200, withinMs, what: 'the API to have every row' })
  await sleep(quietMs)

  const before = (await sandbox.arrivals()).at(-1)?.id ?? 0
  const insideLsn = await commitTransaction(
    stand,
    `delete from patients;
     insert into patients (${patientColumns}) select ${inventedPatient} from generate_series(1, ${rows}) i;
     update patients set email = 'new-' || email where right(code, 1) in ('0', '3', '6')`,
  )
  const startedAt = performance.now()
  let requests = -1
  let sinceMs = startedAt
  const isQuiet = async () => {
    const total = (await sandbox.totals()).requests
    if (total !== requests || !(await isIdle()) || !(await isConfirmedPast(stand, insideLsn))) {
      requests = total
      sinceMs = performance.now()
    }
    return performance.now() - sinceMs > quietMs
  }
  await until(isQuiet, { everyMs: 100, withinMs, what: 'quiet' })
  const seconds = (sinceMs - startedAt) / 1_000
  memory.stop()

  const arrivals = await sandbox.arrivals(before)
  const puts = arrivals.filter(({ endpoint }) => endpoint === 'put')
  const unsubscribed = new Set(
    puts.flatMap(({ patients = [] }) => patients.filter(({ plan }) => (plan ?? null) === null).map(({ code }) => code)),
  )
  const ends = await compareEnds(stand)
  expect(unsubscribed.size === 0, `keyed ${name}: nobody is unsubscribed`)
  expect(areEqual(ends), `keyed ${name}: both ends are equal`)
  expect(memory.peakMiB() < containerMiB, `keyed ${name}: the peak is below ${containerMiB} MiB`)
  return [
    whole(unsubscribed.size),
    seconds.toFixed(1),
    whole(puts.length),
    whole(arrivals.length - puts.length),
    memory.peakMiB().toFixed(0),
    [ends.missing, ends.different, ends.surplus].map(whole).join(' '),
  ]
}
