import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chown, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { kindOf } from '../../model/failure/kind-of.ts'
import { binariesIn, embeddedBinaries, type PostgresBinaries } from './postgres-binaries.ts'
import { type Postmaster, type StopMode, startPostmaster } from './postmaster.ts'
import { type Account, serverAccount } from './server-account.ts'

const run = promisify(execFile)

/** Options of a new server. */
export interface EmbeddedServerOptions {
  /**
   * Settings in addition to the defaults: logical WAL, 20 slots and senders. They are command-line options, which `ALTER SYSTEM` cannot
   * change.
   */
  readonly settings?: Readonly<Record<string, string>>
  /** False: does not survive a crash of the machine, but is faster. A killed server survives either way. */
  readonly durable?: boolean
  /** Directory of another server's programs, as `pg_config --bindir` prints it; default: the embedded ones. */
  readonly binDir?: string
  readonly user?: string
  /** Default: random. */
  readonly password?: string
}

/** PostgreSQL server of our own, in a temporary directory. */
export interface EmbeddedServer extends AsyncDisposable {
  readonly port: number
  readonly dataDir: string
  readonly binDir: string
  /** Process id of the postmaster; null while it is down. */
  readonly pid: number | null
  /** Returns a connection string for the superuser; the database is `postgres` by default. */
  url(database?: string): string
  /** Resolves once the server is down. */
  stop(mode?: StopMode): Promise<void>
  /** Starts it again on the same port, with these settings in addition to those it was created with. */
  start(settings?: Readonly<Record<string, string>>): Promise<void>
  /** Kills the postmaster, as a crash would. */
  kill(): Promise<void>
  /** Stops the server and removes its directory. */
  destroy(): Promise<void>
}

const firstStartAttempts = 3
const restartAttempts = 8

/** Creates a server and starts it on a free port of 127.0.0.1. */
export async function startEmbeddedServer(options: EmbeddedServerOptions = {}): Promise<EmbeddedServer> {
  const { user = 'postgres', password = randomBytes(12).toString('hex'), durable = true } = options
  const account = await serverAccount()
  const binaries = await (options.binDir === undefined ? embeddedBinaries(account) : binariesIn(options.binDir))
  const home = await makeHome(account)
  const dataDir = join(home, 'data')
  const logFile = join(home, 'server.log')
  const ownSettings = { ...defaultSettings(join(home, 'socket'), durable), ...options.settings }
  const authority = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1`

  let port = 0
  let postmaster: Postmaster | null = null
  const url = (database = 'postgres') => `postgres://${authority}:${port}/${encodeURIComponent(database)}`
  const start = (settings: Readonly<Record<string, string>> = {}) =>
    startPostmaster({
      binaries,
      account,
      dataDir,
      logFile,
      url: url(),
      settings: { ...ownSettings, port: String(port), ...settings },
    })
  const destroy = async () => {
    await postmaster?.stop('immediate')
    await rm(home, { recursive: true, force: true, maxRetries: 5 })
  }

  try {
    await initialise({ binaries, account, dataDir, user, password })
    postmaster = await repeatedly(firstStartAttempts, async () => {
      port = await freePort()
      return await start()
    })
  } catch (error) {
    await destroy()
    throw error
  }

  return {
    dataDir,
    binDir: binaries.binDir,
    get port() {
      return port
    },
    get pid() {
      return postmaster?.running ? postmaster.pid : null
    },
    url,
    stop: async (mode = 'fast') => await postmaster?.stop(mode),
    async start(settings) {
      if (postmaster?.running) throw new Error(`the server on port ${port} is running: stop it first`)
      postmaster = await repeatedly(restartAttempts, () => start(settings))
    },
    kill: async () => await postmaster?.kill(),
    destroy,
    [Symbol.asyncDispose]: destroy,
  }
}

function defaultSettings(socketDir: string, durable: boolean): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: socketDir,
    wal_level: 'logical',
    max_wal_senders: '20',
    max_replication_slots: '20',
    logging_collector: 'off',
    ...(!durable && { fsync: 'off', full_page_writes: 'off' }),
  }
}

/** Creates a directory that only the account can enter. Returns its real path, as the server reports it. */
async function makeHome(account: Account | null): Promise<string> {
  const home = await mkdtemp(join(await realpath(tmpdir()), 'mediquo-cdc-'))
  await mkdir(join(home, 'socket'), { mode: 0o700 })
  if (account !== null) {
    for (const folder of [join(home, 'socket'), home]) await chown(folder, account.uid, account.gid)
  }
  return home
}

interface Initialisation {
  readonly binaries: PostgresBinaries
  readonly account: Account | null
  readonly dataDir: string
  readonly user: string
  readonly password: string
}

async function initialise({ binaries, account, dataDir, user, password }: Initialisation): Promise<void> {
  const passwordFile = `${dataDir}.password`
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (account !== null) await chown(passwordFile, account.uid, account.gid)
  const options = ['--no-sync', '--no-instructions', '--encoding=UTF8', '--no-locale', '--auth=scram-sha-256']
  const args = [...options, `--username=${user}`, `--pwfile=${passwordFile}`, '-D', dataDir]
  await run(binaries.initdb, args, { ...account, cwd: '/' })
  await rm(passwordFile)
}

/** Repeats a failed start: another process can take the port after the check, and the processes of a killed server take a moment to end. */
async function repeatedly(attempts: number, attempt: () => Promise<Postmaster>): Promise<Postmaster> {
  for (let made = 1; ; made += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (kindOf(error) !== 'demo server failed' || made === attempts) throw error
      await sleep(20 * 2 ** made)
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  const closed = once(probe, 'close')
  probe.close()
  await closed
  if (address === null || typeof address === 'string') throw new Error('no port is free on 127.0.0.1')
  return address.port
}
