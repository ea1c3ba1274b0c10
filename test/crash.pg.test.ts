import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { parseLsn } from '../src/model/lsn.ts'
import { startSandboxApi } from '../src/sandbox/api-server.ts'
import { defaultKeys } from '../src/sandbox/sandbox-state.ts'
import { seededRandom } from '../src/sandbox/seeded-random.ts'
import { workspace } from './config/loading.ts'
import { type ConnectorProcess, startProcess } from './support/crash-process.ts'
import {
  crashMapping,
  crashTable,
  differences,
  stepsBack,
  storedPatients,
  storyOf,
  wantedPatients,
} from './support/crash-table.ts'
import { startWorkload } from './support/crash-workload.ts'
import { type TestDatabase, testDatabase } from './support/postgres.ts'
import { until } from './support/until.ts'

const seed = Number(process.env.CRASH_TEST_SEED ?? Date.now() % 1_000_000)
const kills = Number(process.env.CRASH_TEST_KILLS ?? 18)

const endings: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

describe('killed again and again while writers write', () => {
  test.for([
    { identity: 'default', onDelete: 'unsubscribe' },
    { identity: 'full', onDelete: 'unsubscribe' },
  ])(
    'both ends agree, and no patient went back in time: replica identity $identity',
    { timeout: 300_000 },
    async ({ identity, onDelete }, { annotate }) => {
      const random = seededRandom(seed)
      const database = await testDatabase({
        schema: `${crashTable} alter table patients replica identity ${identity};`,
      })
      endings.push(() => database.dispose())
      const sandbox = await startSandboxApi({
        recordPatients: true,
        recordLength: 200_000,
        settings: { latencyMs: 5, applyDelayMs: 0, rateLimit: { limit: 1_000_000 } },
      })
      endings.push(() => sandbox.close())
      // Some answers come late, so that kills fall between applying and answering too; some are lost.
      sandbox.faults.add({ kind: 'slow', endpoint: 'put', delayMs: 60, when: 'after applying', probability: 0.2, seed })
      sandbox.faults.add({ kind: 'fail after applying', endpoint: 'put', answer: 'reset', probability: 0.01, seed })
      const slot = `slot_${database.name}`
      const { write, cwd, [Symbol.dispose]: remove } = workspace()
      endings.push(async () => remove())
      write(
        'config.yaml',
        stringify({
          source: { table: 'public.patients', slot, backfill: 'never', onDelete },
          mapping: crashMapping,
          mediquo: { requestsPerMinute: 60_000 },
          http: { port: 0 },
          log: { level: 'debug' },
        }),
      )
      const env = {
        DATABASE_URL: database.url,
        MEDIQUO_BASE_URL: sandbox.baseUrl,
        MEDIQUO_API_KEY: defaultKeys.apiKey,
        MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
      }
      const start = (): ConnectorProcess => {
        const started = startProcess(`${cwd}/config.yaml`, env)
        endings.push(() => started.kill())
        return started
      }

      let connector = start()
      await connector.reached('streaming')
      const workload = startWorkload({ url: database.url, seed, writers: 4 })
      endings.push(() => workload.stop())
      let checkpoint = 0n
      for (let kill = 0; kill < kills; kill++) {
        // A quarter of the kills falls into the catching up, before anything of this run was answered.
        await connector.reached(random() < 1 / 4 ? 'streaming' : 'batch accepted')
        await delay(30 + random() * 370)
        await connector.kill()
        const { stored, confirmed } = await positions(database, slot)
        expect(confirmed, `acknowledged more than was stored (seed ${seed})`).toBeLessThanOrEqual(stored)
        expect(stored, `the checkpoint fell (seed ${seed})`).toBeGreaterThanOrEqual(checkpoint)
        checkpoint = stored
        connector = start()
      }
      await workload.stop()
      const [end] = await database.query('select pg_current_wal_insert_lsn()::text as lsn')
      // The checkpoint passes the end of the workload with the commit of one row more, which is not compared.
      await database.query(`insert into patients (code) values ('after the end')`)
      await until(async () => (await positions(database, slot)).stored >= parseLsn(end?.lsn ?? ''), {
        deadlineMs: 60_000,
      }).catch((error: unknown) => {
        throw new Error(`not quiet (seed ${seed}):\n${connector.lastLines.join('\n')}`, { cause: error })
      })
      await sandbox.applied()
      expect(await connector.stop()).toBe(0)

      const wanted = await wantedPatients(database)
      const found = differences(wanted, storedPatients(sandbox.patients())).filter(
        ({ code }) => code !== 'after the end',
      )
      const { versions, back } = stepsBack(sandbox)
      const puts = sandbox.requests.filter(({ method }) => method === 'PUT')
      const summary = {
        seed,
        identity,
        kills,
        rows: wanted.size,
        versions,
        requests: sandbox.requests.length,
        puts: puts.length,
        unanswered: sandbox.requests.filter(({ status }) => status === null).length,
        committed: workload.committed,
      }
      await annotate(JSON.stringify(summary))
      const stories = [...found, ...back].slice(0, 5).map(({ code }) => [code, ...storyOf(sandbox, code)].join('\n  '))
      const message = [JSON.stringify(summary), ...stories].join('\n')
      expect(found.slice(0, 5), message).toEqual([])
      expect(back.slice(0, 5), message).toEqual([])
      expect(await database.query('select source_key, reason from mediquo_cdc.dead_letter'), message).toEqual([])
      for (const { codes, status } of puts) {
        expect(codes.length, message).toBeGreaterThan(0)
        expect(codes.length, message).toBeLessThanOrEqual(100)
        expect(new Set(codes).size, message).toBe(codes.length)
        expect([200, null], message).toContain(status)
      }
    },
  )
})

async function positions(database: TestDatabase, slot: string) {
  const [row] = await database.query(
    `select (select lsn from mediquo_cdc.checkpoint) as stored,
      (select confirmed_flush_lsn from pg_replication_slots where slot_name = $1) as confirmed`,
    [slot],
  )
  return { stored: parseLsn(row?.stored ?? ''), confirmed: parseLsn(row?.confirmed ?? '') }
}
