import { expect } from 'vitest'
import { stringify } from 'yaml'
import { type Lsn, parseLsn } from '../../../src/model/source/lsn.ts'
import { type SandboxApi, startSandboxApi } from '../../../src/sandbox/api-server.ts'
import { defaultKeys } from '../../../src/sandbox/sandbox-state.ts'
import { workspace } from '../../config/loading.ts'
import { type TestDatabase, testDatabase } from '../postgres.ts'
import { until } from '../until.ts'
import { type ConnectorProcess, startProcess } from './crash-process.ts'
import {
  crashMapping,
  crashTable,
  differences,
  stepsBack,
  storedPatients,
  storyOf,
  wantedPatients,
} from './crash-table.ts'

export interface SceneOptions {
  readonly seed: number
  readonly identity: 'default' | 'full'
  readonly backfill: 'initial' | 'never'
  /** Rows in the table before the connector is first started. */
  readonly rows?: number
  readonly requestsPerMinute: number
  readonly logLevel?: string
}

/** Table, sandbox, and the connector as a process to kill. */
export interface CrashScene extends AsyncDisposable {
  readonly database: TestDatabase
  readonly sandbox: SandboxApi
  readonly slot: string
  start(): ConnectorProcess
  /**
   * Returns the stored and the confirmed position. @throws if the confirmed one is ahead, or the stored one decreased since the last call.
   */
  positions(): Promise<{ readonly stored: Lsn; readonly confirmed: Lsn }>
  /**
   * Resolves once the checkpoint has passed everything committed so far. @returns the requests until then. @throws with the last lines of
   * the connector's log.
   */
  settled(connector: ConnectorProcess): Promise<{ readonly requests: number; readonly puts: number }>
  /** Resolves once no row is owed. @throws with the last lines of the connector's log. */
  quiet(connector: ConnectorProcess): Promise<void>
  /** Compares both ends, and checks all requests against the rules of the API. @returns counts. */
  judge(about: object): Promise<{ readonly summary: string }>
}

const putsOf = ({ requests }: Pick<SandboxApi, 'requests'>) => requests.filter(({ method }) => method === 'PUT')

/** Code of the row whose commit moves the checkpoint past the end. */
const afterTheEnd = 'after the end'

export async function crashScene(options: SceneOptions): Promise<CrashScene> {
  const { seed, identity, backfill, rows = 0, requestsPerMinute, logLevel = 'debug' } = options
  const releases: (() => Promise<void> | void)[] = []
  const database = await testDatabase({
    schema: `${crashTable} alter table patients replica identity ${identity};
      insert into patients (given_name) select 'Early' || n from generate_series(1, ${rows}) n;`,
  })
  releases.push(() => database.dispose())
  const sandbox = await startSandboxApi({
    recordPatients: true,
    recordLength: 200_000,
    settings: { latencyMs: 5, applyDelayMs: 0, rateLimit: { limit: 1_000_000 } },
  })
  releases.push(() => sandbox.close())
  // Some answers are late, so that kills also happen between application and answer. Some answers are lost.
  sandbox.faults.add({ kind: 'slow', endpoint: 'put', delayMs: 60, when: 'after applying', probability: 0.2, seed })
  sandbox.faults.add({ kind: 'fail after applying', endpoint: 'put', answer: 'reset', probability: 0.01, seed })
  const slot = `slot_${database.name}`
  const { write, cwd, [Symbol.dispose]: remove } = workspace()
  releases.push(remove)
  write(
    'config.yaml',
    stringify({
      source: { table: 'public.patients', slot, backfill, onDelete: 'unsubscribe' },
      mapping: crashMapping,
      // A killed process keeps the next one waiting for as long as its requests may be out.
      mediquo: { requestsPerMinute, requestTimeout: '2s' },
      http: { port: 0 },
      log: { level: logLevel },
    }),
  )
  const env = {
    DATABASE_URL: database.url,
    MEDIQUO_BASE_URL: sandbox.baseUrl,
    MEDIQUO_API_KEY: defaultKeys.apiKey,
    MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
  }
  let checkpoint = 0n
  const positions = async () => {
    const [row] = await database.query(
      `select (select lsn from mediquo_cdc.checkpoint) as stored,
        (select confirmed_flush_lsn from pg_replication_slots where slot_name = $1) as confirmed`,
      [slot],
    )
    const found = { stored: parseLsn(row?.stored ?? ''), confirmed: parseLsn(row?.confirmed ?? '') }
    expect(found.confirmed, `acknowledged more than was stored (seed ${seed})`).toBeLessThanOrEqual(found.stored)
    expect(found.stored, `the checkpoint fell (seed ${seed})`).toBeGreaterThanOrEqual(checkpoint)
    checkpoint = found.stored
    return found
  }
  const untilSo = async (connector: ConnectorProcess, isSo: () => Promise<boolean>, deadlineMs: number) => {
    await until(isSo, { deadlineMs }).catch((error: unknown) => {
      throw new Error(`not quiet (seed ${seed}):\n${connector.lastLines.join('\n')}`, { cause: error })
    })
  }
  return {
    database,
    sandbox,
    slot,
    positions,
    start() {
      const started = startProcess(`${cwd}/config.yaml`, env)
      releases.push(() => started.kill())
      return started
    },
    async settled(connector) {
      const [end] = await database.query('select pg_current_wal_insert_lsn()::text as lsn')
      await database.query('insert into patients (code) values ($1)', [afterTheEnd])
      const isSettled = async () => (await positions()).stored >= parseLsn(end?.lsn ?? '')
      await untilSo(connector, isSettled, 60_000)
      return { requests: sandbox.requests.length, puts: putsOf(sandbox).length }
    },
    async quiet(connector) {
      const owed = 'select count(*) as rows from mediquo_cdc.delivery where owed is not null'
      // What a kill has lost may be applied for a minute, and what was accepted in that minute is read again a minute later.
      await untilSo(connector, async () => (await database.query(owed))[0]?.rows === '0', 180_000)
      await sandbox.applied()
    },
    async judge(about) {
      const wanted = await wantedPatients(database)
      const stored = storedPatients(sandbox.patients())
      const found = differences(wanted, stored).filter(({ code }) => code !== afterTheEnd)
      const { versions, back } = stepsBack(sandbox)
      const puts = putsOf(sandbox)
      const unanswered = sandbox.requests.filter(({ status }) => status === null).length
      const counts = { rows: wanted.size, versions, requests: sandbox.requests.length, puts: puts.length, unanswered }
      const summary = JSON.stringify({ seed, identity, ...counts, ...about })
      const stories = [...found, ...back].slice(0, 5).map(({ code }) => [code, ...storyOf(sandbox, code)].join('\n  '))
      const message = [summary, ...stories].join('\n')
      expect(found.slice(0, 5), message).toEqual([])
      expect(back.slice(0, 5), message).toEqual([])
      expect(await database.query('select source_key, reason from mediquo_cdc.dead_letter'), message).toEqual([])
      for (const { codes, status } of puts) {
        expect(codes.length, message).toBeGreaterThan(0)
        expect(codes.length, message).toBeLessThanOrEqual(100)
        expect(new Set(codes).size, message).toBe(codes.length)
        expect([200, null], message).toContain(status)
      }
      return { requests: counts.requests, puts: counts.puts, summary }
    },
    async [Symbol.asyncDispose]() {
      for (const release of releases.reverse()) await release()
    },
  }
}
