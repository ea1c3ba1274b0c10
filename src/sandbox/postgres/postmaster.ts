import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'
import type { Account } from './server-account.ts'

const run = promisify(execFile)

/** Ways to stop: wait for the clients, end their sessions, or stop as in a crash. PostgreSQL manual, "Shutting Down the Server". */
export type StopMode = 'smart' | 'fast' | 'immediate'

/** Parameters of one start of a server. */
export interface PostmasterOptions {
  readonly binaries: PostgresBinaries
  readonly account: Account | null
  readonly dataDir: string
  readonly logFile: string
  readonly settings: Readonly<Record<string, string>>
  /** Connection string of the maintenance database, for a superuser. */
  readonly url: string
}

const stopSignals: Record<StopMode, NodeJS.Signals> = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' }
const readyWithinMs = 60_000

/** Running server process and the ways to end it. */
export interface Postmaster {
  readonly pid: number
  readonly running: boolean
  /** Resolves once the process is gone. */
  stop(mode: StopMode): Promise<void>
  kill(): Promise<void>
}

/** Starts a server and waits until it accepts connections. @throws {ConnectorError} with the end of its log if it exits. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const { child, exited } = await spawnServer(options)
  const running = () => child.exitCode === null && child.signalCode === null
  if (child.pid === undefined)
    throw new ConnectorError('demo server failed', `${options.binaries.postgres} cannot be started`)
  const postmaster: Postmaster = {
    pid: child.pid,
    get running() {
      return running()
    },
    async stop(mode) {
      if (running()) await requestStop(options, { child, mode })
      await exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
  try {
    await waitUntilReady(options, running)
  } catch (error) {
    await postmaster.kill()
    throw error
  }
  return postmaster
}

interface Spawned {
  readonly child: ChildProcess
  readonly exited: Promise<void>
}

/** Starts the process detached: an interrupt from the terminal must reach the user of the server first. */
async function spawnServer({ binaries, account, dataDir, logFile, settings }: PostmasterOptions): Promise<Spawned> {
  const log = await open(logFile, 'a')
  try {
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const child = spawn(binaries.postgres, ['-D', dataDir, ...args], {
      ...account,
      cwd: dataDir,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    const exited = new Promise<void>((gone) => child.once('exit', () => gone()))
    await once(child, 'spawn')
    return { child, exited }
  } finally {
    await log.close()
  }
}

async function requestStop(
  { binaries, account, dataDir }: PostmasterOptions,
  { child, mode }: { readonly child: ChildProcess; readonly mode: StopMode },
): Promise<void> {
  if (binaries.pgCtl === null) {
    child.kill(stopSignals[mode])
    return
  }
  try {
    await run(binaries.pgCtl, ['stop', '--no-wait', '-m', mode, '-D', dataDir], { ...account, cwd: dataDir })
  } catch (error) {
    // Ignore the failure if the server is already ending and has removed its PID file.
    if (await stat(join(dataDir, 'postmaster.pid')).catch(() => null)) throw error
  }
}

async function waitUntilReady({ url, dataDir, logFile }: PostmasterOptions, running: () => boolean): Promise<void> {
  const startedAtMs = performance.now()
  for (let delayMs = 5; ; delayMs = Math.min(delayMs * 1.5, 200)) {
    const answer = await askDataDir(url)
    if (!running())
      throw new ConnectorError('demo server failed', `PostgreSQL did not start: ${await endOfLog(logFile)}`)
    if (answer !== null && resolve(answer) === dataDir) return
    if (performance.now() - startedAtMs > readyWithinMs) {
      throw new ConnectorError(
        'demo server failed',
        `PostgreSQL took no connection within ${readyWithinMs} ms: ${await endOfLog(logFile)}`,
      )
    }
    await sleep(delayMs)
  }
}

/** Returns the data directory; null while nobody answers. Another server on the port has another directory, or rejects the password. */
async function askDataDir(url: string): Promise<string | null> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query({ text: 'SHOW data_directory', rowMode: 'array' })
    return String(rows[0]?.[0])
  } catch {
    return null
  } finally {
    await client.end().catch(() => {})
  }
}

async function endOfLog(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-5).join('\n')
}
