import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BuiltProcess, startBuilt } from './built-process.ts'
import type { Stand } from './stand.ts'
import { until } from './until.ts'

/** Part of `GET /status` that the benchmarks read. */
interface Status {
  readonly state: string
  readonly source: { readonly receivedLsn: string | null; readonly checkpointLsn: string | null }
  readonly delivery: {
    readonly pending: number
    readonly inFlight: number
    readonly delivered: number
    readonly unchanged: number
  }
}

/** Connector as it is shipped: `dist/main.js run` with a configuration file. */
export interface ConnectorProcess extends AsyncDisposable {
  readonly pid: number
  /** Lines of the log, the oldest first. */
  readonly lines: readonly string[]
  /** Returns the status. @throws {Error} if the process has ended. */
  status(): Promise<Status>
  /** Asserts that the process is running. @throws {Error} if it has ended. */
  assertRunning(): void
  /** Returns the processor time used so far, seconds; NaN except on Linux. */
  cpuSeconds(): Promise<number>
  stop(): Promise<void>
  /** Sends SIGKILL. Resolves once the process is gone. */
  kill(): Promise<void>
}

export interface ConnectorOptions {
  /** Request limit; that of the published API by default. */
  readonly requestsPerMinute?: number
  /** Environment in addition to the configuration. */
  readonly env?: Readonly<Record<string, string>>
  /** Existing slot. The checkpoint store is then in a schema of the same name. */
  readonly slot?: string
  /** Backfill at the start, and patients in a request. The defaults are `never` and 100. */
  readonly backfill?: 'initial' | 'never'
  readonly batchSize?: number
  /** Action for the patient of a deleted row; `ignore` by default. */
  readonly onDelete?: 'ignore' | 'unsubscribe'
  /** Folder of the build to start; by default that of `BENCH_DIST`, or of this revision. */
  readonly dist?: string
}

/** Starts the connector and waits until it streams. */
export async function startConnector(stand: Stand, options: ConnectorOptions = {}): Promise<ConnectorProcess> {
  const { requestsPerMinute = 600, slot, backfill = 'never', batchSize = 100, onDelete = 'ignore' } = options
  const folder = await mkdtemp(join(tmpdir(), 'mediquo-cdc-bench-'))
  const config = join(folder, 'config.json')
  const settings = {
    source: { url: stand.server.url(), backfill, onDelete, ...(slot !== undefined && { slot }) },
    // After a kill the next process waits for as long as requests of the killed one may be out.
    mediquo: {
      baseUrl: stand.sandbox.baseUrl,
      ...stand.sandbox.keys,
      requestsPerMinute,
      batchSize,
      requestTimeout: '5s',
    },
    ...(slot !== undefined && { state: { schema: slot } }),
    http: { port: 0 },
  }
  // JSON is YAML.
  await writeFile(config, JSON.stringify(settings), { mode: 0o600 })
  const built = startBuilt(['run', '--config', config], options)
  let isCleanedUp = false
  const cleanUp = async () => {
    if (isCleanedUp) return
    isCleanedUp = true
    if (process.env.BENCH_LOG !== undefined) await appendFile(process.env.BENCH_LOG, `${built.lines.join('\n')}\n`)
    await rm(folder, { recursive: true, force: true })
  }
  const stop = async () => {
    await built.stop()
    await cleanUp()
  }
  try {
    const url = `http://127.0.0.1:${await built.line(portOf)}`
    await untilReady(url, built)
    return {
      pid: built.pid,
      lines: built.lines,
      assertRunning: () => built.assertRunning(),
      status: async () => {
        built.assertRunning()
        return (await (await fetch(`${url}/status`)).json()) as Status
      },
      cpuSeconds: () => cpuSeconds(built.pid),
      stop,
      kill: async () => {
        await built.kill()
        await cleanUp()
      },
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function portOf(line: string): number | null {
  return /"msg":"listening"/.test(line) ? Number(/"port":(\d+)/.exec(line)?.[1]) : null
}

async function untilReady(url: string, built: BuiltProcess): Promise<void> {
  const ready = () => {
    built.assertRunning()
    return fetch(`${url}/readyz`).then(({ ok }) => ok)
  }
  await until(ready, { everyMs: 20, withinMs: 120_000, what: `the connector to be ready (${built.lines.at(-1)})` })
}

/** Reads proc(5): user and system time are the fields 14 and 15, in hundredths of a second. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(afterName[11]) + Number(afterName[12])) / 100
}
