import { startConnector } from './connector-process.ts'
import { type Benchmark, quantile, table, whole } from './figures.ts'
import { makeSlot } from './library-alone.ts'
import { readInNewProcess } from './reader-process.ts'
import { size } from './scale.ts'
import { readWithServerClient } from './server-client.ts'
import { openStand, type Stand } from './stand.ts'
import { secondsStreaming } from './streaming-time.ts'
import { commitTransaction } from './transaction.ts'
import { until } from './until.ts'

const changes = size('BENCH_CHANGES', 200_000)
const rows = 200
const requestsPerMinute = 6_000
const floorSlot = 'library_alone'
/** Number of rounds. Each reader runs once a round, so that other work on the machine slows all of them down. Odd, for the median ratio. */
const rounds = 5

/** Elapsed time and processor time, seconds. */
interface Taken {
  readonly seconds: number
  readonly cpuSeconds: number
}

/** Times of each reader in a round. */
interface Round {
  readonly connector: Taken
  readonly client: Taken
  readonly library: Taken
  /** NaN if pg_recvlogical is not installed. */
  readonly serverClientSeconds: number
}

/** Measures how fast waiting changes in the WAL are received and settled, compared with two lower limits. */
export const catchUp: Benchmark = async (print) => {
  print(`${whole(changes)} updates of ${rows} rows wait in the WAL; ${whole(requestsPerMinute)} requests a minute`)
  const lines = [
    ['changes a transaction', '', 'changes a second', 'of pg_recvlogical', 'of the library', 'processor, µs a change'],
  ]
  for (const size of [1, 100]) {
    const measured = await measure(size)
    const line = (name: string, of: (round: Round) => Taken) => [
      name,
      whole(changes / median(measured.map((round) => of(round).seconds))),
      median(measured.map((round) => round.serverClientSeconds / of(round).seconds)).toFixed(2),
      median(measured.map((round) => round.library.seconds / of(round).seconds)).toFixed(2),
      ((1e6 * median(measured.map((round) => of(round).cpuSeconds))) / changes).toFixed(1),
    ]
    const noCpu = ({ serverClientSeconds: seconds }: Round) => ({ seconds, cpuSeconds: Number.NaN })
    lines.push(
      [`${size}`, ...line('pg_recvlogical', noCpu)],
      ['', ...line('library alone', ({ library }) => library)],
      ['', ...line('client alone', ({ client }) => client)],
      ['', ...line('connector', ({ connector }) => connector)],
    )
  }
  for (const line of table(lines)) print(line)
}

async function measure(transactionSize: number): Promise<Round[]> {
  await using stand = await openStand({ rows, requestsPerMinute })
  // Every reader gets a slot of its own over the same WAL.
  const slots = Array.from({ length: rounds }, (_, round) => `round_${round}`)
  let startCpuSeconds = Number.NaN
  for (const slot of slots) startCpuSeconds = await startOnce(stand, { slot })
  await makeSlot(stand, floorSlot)
  await stand.pool.query(updates(transactionSize))

  const url = stand.server.url()
  const measured: Round[] = []
  for (const slot of slots) {
    const { endLsn, ...library } = await readInNewProcess('library', url, floorSlot, changes)
    const serverClient = await readWithServerClient({ url, pool: stand.pool }, floorSlot, endLsn)
    const client = await readInNewProcess('client', url, floorSlot, changes)
    const { seconds, cpuSeconds } = await readWithConnector(stand, { slot }, endLsn)
    const connector = { seconds, cpuSeconds: cpuSeconds - startCpuSeconds }
    measured.push({ connector, client, library, serverClientSeconds: serverClient ?? Number.NaN })
  }
  return measured
}

/** Measures one catch-up of a build: changes a second, and processor time of a change, microseconds. */
export async function measureCatchUp(
  transactionSize: number,
  build: { readonly dist?: string } = {},
): Promise<{ readonly changesPerSecond: number; readonly cpuMicroseconds: number }> {
  await using stand = await openStand({ rows, requestsPerMinute })
  const slot = 'catch_up'
  const startCpuSeconds = await startOnce(stand, { slot, ...build })
  await stand.pool.query(updates(transactionSize))
  const lastLsn = await commitTransaction(stand, `update patients set email = 'last@example.org' where code = 'P1'`)
  const { seconds, cpuSeconds } = await readWithConnector(stand, { slot, ...build }, lastLsn)
  return { changesPerSecond: changes / seconds, cpuMicroseconds: (1e6 * (cpuSeconds - startCpuSeconds)) / changes }
}

/**
 * Starts the connector, which creates its publication, its slot and its checkpoint. Without a checkpoint of its own, the run that is measured
 * would not know what mediQuo has, and read the rows from the table. @returns the processor time of a start without changes, seconds.
 */
async function startOnce(stand: Stand, options: { readonly slot: string; readonly dist?: string }): Promise<number> {
  await using connector = await startConnector(stand, options)
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

/** Runs the connector until everything before the position is delivered, stored and acknowledged. */
async function readWithConnector(
  stand: Stand,
  { slot, ...build }: { readonly slot: string; readonly dist?: string },
  endLsn: string,
): Promise<Taken> {
  await using connector = await startConnector(stand, { requestsPerMinute, slot, ...build })
  const query = `select confirmed_flush_lsn >= $2::pg_lsn as done from pg_replication_slots where slot_name = $1`
  const done = async () => (await stand.pool.query<{ done: boolean }>(query, [slot, endLsn])).rows[0]?.done === true
  await until(done, { everyMs: 10, withinMs: 300_000, what: 'the connector to catch up' })
  const seconds = await secondsStreaming(stand.pool, slot)
  return { seconds, cpuSeconds: await connector.cpuSeconds() }
}

const median = (values: readonly number[]) => quantile(values, 0.5)
