import { stringify } from 'yaml'
import { type SandboxApi, startSandboxApi } from '../../src/sandbox/api-server.ts'
import type { EmbeddedServer } from '../../src/sandbox/postgres/embedded-server.ts'
import { defaultKeys } from '../../src/sandbox/sandbox-state.ts'
import { workspace } from '../config/loading.ts'
import { type ConnectorProcess, startProcess } from '../support/crash/crash-process.ts'
import { crashMapping, crashTable } from '../support/crash/crash-table.ts'
import { ownServer } from '../support/own-server.ts'
import { type TestDatabase, testDatabase } from '../support/postgres.ts'
import { type TcpRelay, tcpRelay } from '../support/tcp-relay.ts'

/** Server, sandbox with its documented limit, a relay in front of each, and the connector as a process. */
export interface ChaosScene extends AsyncDisposable {
  readonly server: EmbeddedServer
  readonly database: TestDatabase
  readonly sandbox: SandboxApi
  readonly links: { readonly database: TcpRelay; readonly api: TcpRelay }
  readonly slot: string
  start(): ConnectorProcess
  /** Makes the API accept only new keys, and writes them to the connector's file. */
  rotateKeys(): void
  /** Traces of the processes. */
  readonly traces: readonly string[]
  /** Lines of the connector's log that contain a value of a row. */
  readonly leaks: readonly string[]
}

/** Matches the values of the table, and nothing else. */
export const values = /Given\d|Early\d|@example\.org|1980-12-31|"premium"|"plus"/

export async function chaosScene(seed: number): Promise<ChaosScene> {
  const releases: (() => Promise<void> | void)[] = []
  const server = await ownServer({ max_wal_size: '4GB' })
  releases.push(() => server.destroy())
  const database = await testDatabase({
    schema: `${crashTable} create table elsewhere (id bigserial primary key, note text);
      insert into patients (given_name) select 'Early' || n from generate_series(1, 2000) n;`,
    serverUrl: server.url(),
  })
  releases.push(() => database.dispose())
  const sandbox = await startSandboxApi({
    recordPatients: true,
    recordLength: 500_000,
    settings: { latencyMs: 20, applyDelayMs: 0, rateLimit: { kind: 'sliding log', limit: 600 } },
  })
  releases.push(() => sandbox.close())
  // Some requests are applied without an answer, or are not applied. Slow requests have been applied.
  sandbox.faults.add({ kind: 'slow', endpoint: 'put', delayMs: 1_500, when: 'after applying', probability: 0.03, seed })
  sandbox.faults.add({ kind: 'fail after applying', endpoint: 'put', answer: 'reset', probability: 0.02, seed })
  sandbox.faults.add({ kind: 'fail after applying', endpoint: 'put', answer: 503, probability: 0.01, seed })
  sandbox.faults.add({ kind: 'status', status: 503, probability: 0.02, seed: seed + 1 })
  sandbox.faults.add({ kind: 'reset', probability: 0.02, seed: seed + 2 })
  const links = {
    database: await tcpRelay(Number(new URL(database.url).port)),
    api: await tcpRelay(Number(new URL(sandbox.baseUrl).port)),
  }
  for (const link of Object.values(links)) releases.push(() => link.close())
  const { write, cwd, [Symbol.dispose]: remove } = workspace()
  releases.push(remove)
  const slot = `slot_${database.name}`
  write(
    'config.yaml',
    stringify({
      source: { table: 'public.patients', slot, backfill: 'initial', onDelete: 'unsubscribe' },
      mapping: crashMapping,
      mediquo: { requestTimeout: '5s' },
      http: { port: 0 },
      log: { level: 'debug' },
    }),
  )
  write('api-key', defaultKeys.apiKey)
  const env = {
    DATABASE_URL: through(database.url, links.database.port),
    MEDIQUO_BASE_URL: through(sandbox.baseUrl, links.api.port),
    MEDIQUO_API_KEY_FILE: `${cwd}/api-key`,
    MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
  }
  const leaks: string[] = []
  const traces: string[] = []
  let rotations = 0
  return {
    ...{ server, database, sandbox, links, slot, traces, leaks },
    start() {
      const trace = `${process.env.CHAOS_TRACES ?? cwd}/trace-${traces.length}.jsonl`
      traces.push(trace)
      const started = startProcess(`${cwd}/config.yaml`, { ...env, TRACE_FILE: trace }, (line) => {
        if (values.test(line)) leaks.push(line)
      })
      releases.push(() => started.kill())
      return started
    },
    rotateKeys() {
      const apiKey = `rotated-${++rotations}`
      sandbox.setKeys({ ...defaultKeys, apiKey })
      write('api-key', apiKey)
    },
    async [Symbol.asyncDispose]() {
      for (const release of releases.reverse()) await release()
    },
  }
}

function through(url: string, port: number): string {
  const changed = new URL(url)
  changed.hostname = '127.0.0.1'
  changed.port = `${port}`
  return changed.href
}
