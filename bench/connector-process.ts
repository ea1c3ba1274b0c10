import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BuiltProcess, startBuilt } from './built-process.ts'
import type { Stand } from './stand.ts'
import { until } from './until.ts'

/** What the benchmarks read of `GET /status`. */
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

/** The connector as it is shipped: `dist/main.js run` with a configuration file. */
export interface ConnectorProcess extends AsyncDisposable {
  readonly pid: number
  /** Every line that it logged, the oldest first. */
  readonly lines: readonly string[]
  /** @throws {Error} if the process has ended. */
  status(): Promise<Status>
  /** @throws {Error} if the process has ended. */
  assertRunning(): void
  /** Processor time used so far, seconds; not a number except on Linux. */
  cpuSeconds(): Promise<number>
  stop(): Promise<void>
  /** SIGKILL. Resolves once the process is gone. */
  kill(): Promise<void>
}

export interface ConnectorOptions {
  /** The API's published limit by default. */
  readonly requestsPerMinute?: number
  /** Its environment beside the configuration. */
  readonly env?: Readonly<Record<string, string>>
  /** A slot that is there already; the state then goes to a schema of the same name. */
  readonly slot?: string
  /** Whether the table is read first; and patients in a request. The defaults are `never` and 100. */
  readonly backfill?: 'initial' | 'never'
  readonly batchSize?: number
  /** What happens to the patient of a row that is deleted; `ignore` by default. */
  readonly onDelete?: 'ignore' | 'unsubscribe'
  /** Folder of the build to start; that of `BENCH_DIST`, or this revision's, by default. */
  readonly dist?: string
}

/** Starts the connector and waits until it streams. */
export async function startConnector(stand: Stand, options: ConnectorOptions = {}): Promise<ConnectorProcess> {
  const { requestsPerMinute = 600, slot, backfill = 'never', batchSize = 100, onDelete = 'ignore' } = options
  const folder = await mkdtemp(join(tmpdir(), 'mediquo-cdc-bench-'))
  const config = join(folder, 'config.json')
  const settings = {
    source: { url: stand.server.url(), backfill, onDelete, ...(slot !== undefined && { slot }) },
    mediquo: { baseUrl: stand.sandbox.baseUrl, ...stand.sandbox.keys, requestsPerMinute, batchSize },
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

/** proc(5): user and system time are the 14th and 15th field, in hundredths of a second. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(afterName[11]) + Number(afterName[12])) / 100
}
