import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bothEndsAreEqual } from './both-ends.ts'
import { startConnector } from './connector-process.ts'
import { type Benchmark, table, whole } from './figures.ts'
import { openStand, type Stand } from './stand.ts'
import { until } from './until.ts'

const rows = 5_000

/** Measures how long `pg_ctl stop -m fast` takes next to a connector that cannot deliver, and checks the waiting rows afterwards. */
export const shutdown: Benchmark = async (print) => {
  await using stand = await openStand({ rows })
  const { pool, sandbox, server } = stand
  const floor = await secondsToStop(stand)
  await server.start({ wal_sender_timeout: '1h' })
  await using connector = await startConnector(stand, { backfill: 'initial' })
  await until(async () => (await sandbox.patients()).length === rows, {
    everyMs: 200,
    withinMs: 120_000,
    what: 'the backfill',
  })
  await sandbox.faults([{ kind: 'down' }])
  await pool.query(`update patients set email = 'moved.' || email`)
  const waiting = async () => (await connector.status()).delivery.pending
  await until(async () => (await waiting()) === rows, { everyMs: 100, withinMs: 60_000, what: 'the changes to wait' })
  const seconds = await secondsToStop(stand)
  await server.start()
  await sandbox.clearFaults()
  const isEqual = await until(() => bothEndsAreEqual(stand), {
    everyMs: 200,
    withinMs: 120_000,
    what: 'both ends',
  }).then(
    () => true,
    () => false,
  )
  print(`pg_ctl stop -m fast, wal_sender_timeout 1h, the API down, ${whole(rows)} rows waiting`)
  for (const line of table([
    ['it returns after, s', seconds.toFixed(2)],
    ['  floor: without a connector', floor.toFixed(2)],
    ['both ends are equal after the start', isEqual ? 'yes' : 'NO'],
  ]))
    print(line)
}

/** Stops the server as the owner of its files, because PostgreSQL refuses to run as root. */
async function secondsToStop({ server }: Stand): Promise<number> {
  const { uid, gid } = await stat(server.dataDir)
  const startedAt = performance.now()
  await promisify(execFile)(join(server.binDir, 'pg_ctl'), ['stop', '-m', 'fast', '-D', server.dataDir], {
    uid,
    gid,
    cwd: '/',
  })
  return (performance.now() - startedAt) / 1000
}
