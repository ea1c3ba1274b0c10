import { startConnector } from './connector-process.ts'
import { type Benchmark, table, whole } from './figures.ts'
import { makeSlot } from './library-alone.ts'
import { readInNewProcess } from './library-process.ts'
import { openStand, type Stand } from './stand.ts'
import { secondsStreaming } from './streaming-time.ts'
import { until } from './until.ts'

const changes = Number(process.env.BENCH_CHANGES ?? 200_000)
const rows = 200
const requestsPerMinute = 6_000
/** Of each the best counts: other work on the machine can only slow one down. */
const rounds = 3

/** How long, and how much processor time, seconds. */
interface Taken {
  readonly seconds: number
  readonly cpuSeconds: number
}

/** Changes that wait in the WAL: how fast they are received and settled, beside the library with nothing behind it. */
export const catchUp: Benchmark = async (print) => {
  print(`${whole(changes)} updates of ${rows} rows wait in the WAL; ${whole(requestsPerMinute)} requests a minute`)
  const lines = [
    ['changes a transaction', 'connector', 'library alone', 'share', 'processor: connector', 'library', ''],
  ]
  for (const size of [1, 100]) {
    const { connector, library } = await measure(size)
    const rates = [connector, library].map(({ seconds }) => `${whole(changes / seconds)}/s`)
    const costs = [connector, library].map(({ cpuSeconds }) => `${((1e6 * cpuSeconds) / changes).toFixed(1)} µs`)
    const share = `${((100 * library.seconds) / connector.seconds).toFixed(0)} %`
    lines.push([String(size), ...rates, share, ...costs, 'a change'])
  }
  for (const line of table(lines)) print(line)
}

async function measure(transactionSize: number): Promise<{ readonly connector: Taken; readonly library: Taken }> {
  await using stand = await openStand({ rows, requestsPerMinute })
  const startCpuSeconds = await makePublication(stand)
  // Every reader gets a slot of its own over the same WAL.
  const slots = Array.from({ length: rounds }, (_, round) => `round_${round}`)
  for (const slot of [...slots, 'library_alone']) await makeSlot(stand, slot)
  await stand.pool.query(updates(transactionSize))

  const connector: Taken[] = []
  const library: Taken[] = []
  for (const slot of slots) {
    const { endLsn, ...taken } = await readInNewProcess(stand.server.url(), 'library_alone', changes)
    library.push(taken)
    const { seconds, cpuSeconds } = await readWithConnector(stand, slot, endLsn)
    connector.push({ seconds, cpuSeconds: cpuSeconds - startCpuSeconds })
  }
  return { connector: best(connector), library: best(library) }
}

/** The connector makes its publication by itself. @returns the processor time of a start with nothing to do. */
async function makePublication(stand: Stand): Promise<number> {
  await using connector = await startConnector(stand)
  return await connector.cpuSeconds()
}

function updates(transactionSize: number): string {
  return `
    do $$ begin
      perform set_config('synchronous_commit', 'off', false);
      for i in 1..${changes} loop
        update patients set email = 'mailbox' || i || '@example.org' where code = 'P' || 1 + i % ${rows};
        if i % ${transactionSize} = 0 then commit; end if;
      end loop;
    end $$`
}

/** Until everything before the position is delivered, stored and acknowledged. */
async function readWithConnector(stand: Stand, slot: string, endLsn: string): Promise<Taken> {
  await using connector = await startConnector(stand, { requestsPerMinute, slot })
  const query = `select confirmed_flush_lsn >= $2::pg_lsn as done from pg_replication_slots where slot_name = $1`
  const done = async () => (await stand.pool.query<{ done: boolean }>(query, [slot, endLsn])).rows[0]?.done === true
  await until(done, { everyMs: 10, withinMs: 300_000, what: 'the connector to catch up' })
  const seconds = await secondsStreaming(stand.pool, slot)
  return { seconds, cpuSeconds: await connector.cpuSeconds() }
}

function best(taken: readonly Taken[]): Taken {
  return {
    seconds: Math.min(...taken.map(({ seconds }) => seconds)),
    cpuSeconds: Math.min(...taken.map(({ cpuSeconds }) => cpuSeconds)),
  }
}
