import { setTimeout as sleep } from 'node:timers/promises'
import { startConnector } from './connector-process.ts'
import { type Benchmark, table, whole } from './figures.ts'
import { openStand, type Stand } from './stand.ts'
import { until } from './until.ts'

const rows = 2_000
const updatesPerSecond = 1_000
const seconds = 30

/** Updates a column that is not mapped. Counts the requests, and checks that the checkpoint advances. */
export const unmapped: Benchmark = async (print) => {
  await using stand = await openStand({ rows })
  await using connector = await startConnector(stand)
  await stand.pool.query(`insert into mediquo_cdc.backfill (state, reason) values ('requested', 'asked for')`)
  const hasAll = async () => (await stand.sandbox.totals()).patients === rows
  await until(hasAll, { everyMs: 100, withinMs: 60_000, what: 'the rows to be known' })
  await sleep(2_000)
  const before = (await stand.sandbox.totals()).requests
  const checkpoints = new Set<string | null>()
  let updates = 0
  const startedAt = performance.now()
  while (performance.now() - startedAt < seconds * 1_000) {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * updatesPerSecond)
    await update(stand, updates, due)
    updates = Math.max(updates, due)
    checkpoints.add((await connector.status()).source.checkpointLsn)
    await sleep(20)
  }
  const took = (performance.now() - startedAt) / 1_000
  const { rows: end } = await stand.pool.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn')
  const endedAt = performance.now()
  const isPast = async () => {
    const { checkpointLsn } = (await connector.status()).source
    const { rows: found } = await stand.pool.query<{ past: boolean }>('select $1::pg_lsn >= $2::pg_lsn as past', [
      checkpointLsn,
      end[0]?.lsn,
    ])
    return found[0]?.past === true
  }
  await until(isPast, { everyMs: 20, withinMs: 60_000, what: 'the checkpoint to pass the last update' })
  print(`updates of a column that is not mapped, each a transaction, of ${whole(rows)} rows that mediQuo has`)
  for (const line of table([
    ['updates a second', whole(updates / took)],
    ['requests', whole((await stand.sandbox.totals()).requests - before)],
    ['checkpoints stored in that time, at least', whole(checkpoints.size)],
    ['  floor: seconds', whole(took)],
    ['from the last update until the checkpoint had passed it, s', ((performance.now() - endedAt) / 1_000).toFixed(2)],
  ]))
    print(line)
}

async function update({ pool }: Stand, from: number, to: number): Promise<void> {
  const each = Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at)
  await Promise.all(
    each.map((at) => pool.query('update patients set visits = visits + 1 where code = $1', [`P${1 + (at % rows)}`])),
  )
}
