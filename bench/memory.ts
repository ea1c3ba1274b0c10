import { setTimeout as sleep } from 'node:timers/promises'
import { areEqual, compareEnds } from './compare-ends.ts'
import { type ConnectorProcess, startConnector } from './connector-process.ts'
import { type Benchmark, table, whole } from './figures.ts'
import { containerMiB, growthMiB, imageEnvironment, sampleResidentMemory } from './resident-memory.ts'
import { size } from './scale.ts'
import { inventedPatient, openStand, patientColumns, type Stand } from './stand.ts'
import { commitTransaction, isConfirmedPast } from './transaction.ts'
import { until } from './until.ts'

const changes = size('BENCH_CHANGES', 1_000_000)
const requestsPerMinute = 60_000
const idleMs = 5_000
const withinMs = 3_600_000

/**
 * Sends one enormous transaction through the process with the settings of the image. Measures resident memory, next to that of the same
 * process idle.
 */
export const memory: Benchmark = async (print, expect) => {
  await using stand = await openStand({ rows: 0, requestsPerMinute })
  const env = await imageEnvironment()
  await using connector = await startConnector(stand, { requestsPerMinute, env })
  const rss = sampleResidentMemory(connector.pid)
  await sleep(idleMs)
  const idle = rss.peakMiB()
  const insideLsn = await commitTransaction(
    stand,
    `insert into patients (${patientColumns}) select ${inventedPatient} from generate_series(1, ${changes}) i`,
  )
  const startedAt = performance.now()
  await until(() => isPast(stand, connector, insideLsn), { everyMs: 200, withinMs, what: 'the checkpoint' })
  const pastAt = performance.now()
  // Rows that did not fit in memory are owed: they are read from the table after the checkpoint has passed them.
  const hasAll = async () => {
    const { delivery } = await connector.status()
    return (await stand.sandbox.totals()).patients === changes && delivery.pending + delivery.inFlight === 0
  }
  await until(hasAll, { everyMs: 200, withinMs, what: 'the API to have every row' }).catch(async (error: unknown) => {
    print(`peak ${rss.peakMiB().toFixed(0)} MiB; ${JSON.stringify((await connector.status()).delivery)}`)
    throw error
  })
  const endedAt = performance.now()
  const fifths = rss.fifthsMiB(startedAt, endedAt)
  await sleep(idleMs)
  rss.stop()
  const last = rss.lastMiB()
  const ends = await compareEnds(stand)

  print(`one transaction of ${whole(changes)} rows, as the image runs it: ${JSON.stringify(env)}`)
  for (const line of table([
    ['peak resident memory, MiB', rss.peakMiB().toFixed(0)],
    ['  floor: the same process idle before', idle.toFixed(0)],
    ['  highest in each fifth of the time', fifths.map(whole).join(' ')],
    ['  growth after the first fifth', growthMiB(fifths).toFixed(0)],
    ['  at the end', last.toFixed(0)],
    ['patients compared', whole(ends.compared)],
    ['  missing, different, surplus', [ends.missing, ends.different, ends.surplus].map(whole).join(' ')],
    ['commit until checkpoint and confirmed flush LSN were past it, s', ((pastAt - startedAt) / 1000).toFixed(1)],
    ['  until the API had every row', ((endedAt - startedAt) / 1000).toFixed(1)],
  ]))
    print(line)
  expect(rss.peakMiB() < containerMiB, `the peak is below ${containerMiB} MiB`)
  expect(areEqual(ends), 'both ends are equal')
  expect(await isPast(stand, connector, insideLsn), 'the checkpoint and the slot stand past the transaction')
}

/** Returns true if the checkpoint is stored, and acknowledged, past the transaction's commit. */
async function isPast(stand: Stand, connector: ConnectorProcess, insideLsn: string): Promise<boolean> {
  const { checkpointLsn } = (await connector.status()).source
  const { rows } = await stand.pool.query<{ isPast: boolean }>('select $1::pg_lsn > $2::pg_lsn as "isPast"', [
    checkpointLsn,
    insideLsn,
  ])
  return rows[0]?.isPast === true && (await isConfirmedPast(stand, insideLsn))
}
