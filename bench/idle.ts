import { setTimeout as sleep } from 'node:timers/promises'
import { startConnector } from './connector-process.ts'
import { type Benchmark, table, whole } from './figures.ts'
import { openStand, type Stand } from './stand.ts'

const seconds = Number(process.env.BENCH_SECONDS ?? 90)
const rowsPerSecond = 5_000
/**
 * PostgreSQL writes the running transactions to the WAL every 15 s, and a slot releases WAL only there. The curve cannot be flat before the
 * second such record.
 */
const settledAfter = 30

interface Sample {
  readonly written: number
  readonly unconfirmed: number
  readonly retained: number
}

/** Keeps the table quiet while the rest of the database is busy. Measures how the slot follows, and the WAL that it retains on the disk. */
export const idle: Benchmark = async (print) => {
  await using stand = await openStand({ rows: 100 })
  await using connector = await startConnector(stand)
  await stand.pool.query('create table visits (id bigserial primary key, note text)')
  const from = (await sample(stand)).written
  const samples: Sample[] = []
  const confirmed = new Set<number>()
  const startedAt = performance.now()
  let inserted = 0
  for (let second = 1; second <= seconds; second++) {
    while (performance.now() - startedAt < second * 1_000) {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * rowsPerSecond)
      await stand.pool.query(`insert into visits (note) select repeat('x', 200) from generate_series(1, $1)`, [
        due - inserted,
      ])
      inserted = due
      await sleep(20)
    }
    const found = await sample(stand)
    samples.push(found)
    confirmed.add(found.written - found.unconfirmed)
  }
  const { requests } = await stand.sandbox.totals()
  const steady = samples.slice(settledAfter)
  const half = Math.ceil(steady.length / 2)
  const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(2)
  const most = (of: readonly Sample[], key: 'unconfirmed' | 'retained') => Math.max(...of.map((each) => each[key]))
  print(
    `${whole(inserted)} rows into another table in ${seconds} s; the connector at pid ${connector.pid} has nothing to do`,
  )
  for (const line of table([
    ['WAL written, MiB', megabytes((samples.at(-1)?.written ?? from) - from)],
    ['different confirmed_flush_lsn, one look a second', whole(confirmed.size)],
    ['most behind confirmed_flush_lsn, MiB', megabytes(most(samples, 'unconfirmed'))],
    ['  floor: WAL of one second, MiB', megabytes(((samples.at(-1)?.written ?? from) - from) / seconds)],
    [
      `most retained, second ${settledAfter} to ${settledAfter + half}, MiB`,
      megabytes(most(steady.slice(0, half), 'retained')),
    ],
    [`most retained, after that, MiB`, megabytes(most(steady.slice(half), 'retained'))],
    ['requests', whole(requests)],
  ]))
    print(line)
}

async function sample({ pool }: Stand): Promise<Sample> {
  const { rows } = await pool.query<Record<keyof Sample, string>>(
    `select pg_current_wal_lsn() - '0/0'::pg_lsn as written, pg_current_wal_lsn() - confirmed_flush_lsn as unconfirmed,
      pg_current_wal_lsn() - restart_lsn as retained from pg_replication_slots where slot_name = 'mediquo_cdc'`,
  )
  const [found] = rows
  if (!found) throw new Error('the slot is gone')
  return { written: Number(found.written), unconfirmed: Number(found.unconfirmed), retained: Number(found.retained) }
}
