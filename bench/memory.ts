import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectorProcess, startConnector } from './connector-process.ts'
import { type Benchmark, table, whole } from './figures.ts'
import { growthMiB, imageEnvironment, sampleResidentMemory } from './resident-memory.ts'
import { inventedPatient, openStand, type Stand, slot } from './stand.ts'
import { until } from './until.ts'

const changes = Number(process.env.BENCH_CHANGES ?? 1_000_000)
const requestsPerMinute = 60_000
const idleMs = 5_000

/** One enormous transaction through the process as the image runs it: its resident memory, beside the same process idle. */
export const memory: Benchmark = async (print) => {
  await using stand = await openStand({ rows: 0, requestsPerMinute })
  const env = await imageEnvironment()
  await using connector = await startConnector(stand, { requestsPerMinute, env })
  const rss = sampleResidentMemory(connector.pid)
  await sleep(idleMs)
  const idle = rss.peakMiB()
  const insideLsn = await commitHugeTransaction(stand)
  const startedAt = performance.now()
  await until(() => isPast(stand, connector, insideLsn), { everyMs: 200, withinMs: 900_000, what: 'the checkpoint' })
  const endedAt = performance.now()
  const fifths = rss.fifthsMiB(startedAt, endedAt)
  const stored = await storedPatients(stand)
  await sleep(idleMs)
  rss.stop()

  print(`one transaction of ${whole(changes)} rows, as the image runs it: ${JSON.stringify(env)}`)
  for (const line of table([
    ['peak resident memory, MiB', rss.peakMiB().toFixed(0)],
    ['  floor: the same process idle before', idle.toFixed(0)],
    ['  highest in each fifth of the time', fifths.map(whole).join(' ')],
    ['  growth after the first fifth', growthMiB(fifths).toFixed(0)],
    ['  at the end', rss.lastMiB().toFixed(0)],
    ['patients at the API', whole(stored)],
    ['commit until checkpoint and confirmed flush LSN were past it, s', ((endedAt - startedAt) / 1000).toFixed(1)],
  ]))
    print(line)
  const past = await isPast(stand, connector, insideLsn)
  print(past ? 'the checkpoint and the slot stand past the transaction' : 'the checkpoint is behind the transaction')
}

/** @returns a position after its last row and before its commit record. */
async function commitHugeTransaction({ pool }: Stand): Promise<string> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(`insert into patients select ${inventedPatient} from generate_series(1, ${changes}) i`)
    const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn')
    await client.query('commit')
    return rows[0]?.lsn ?? ''
  } finally {
    client.release()
  }
}

/** Whether the checkpoint is stored, and acknowledged, past the transaction's commit. */
async function isPast({ pool }: Stand, connector: ConnectorProcess, insideLsn: string): Promise<boolean> {
  const { source } = await connector.status()
  const { rows } = await pool.query<{ past: boolean }>(
    `select confirmed_flush_lsn > $2::pg_lsn and $3::pg_lsn > $2::pg_lsn as past
     from pg_replication_slots where slot_name = $1`,
    [slot, insideLsn, source.checkpointLsn],
  )
  return rows[0]?.past === true
}

async function storedPatients({ sandbox }: Stand): Promise<number> {
  return (await sandbox.totals()).patients
}
