import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { startLibraryAlone } from './library-alone.ts'
import { secondsStreaming } from './streaming-time.ts'

/** How long a slot's changes took, how much processor time, seconds, and where the last transaction ended. */
export interface LibraryReading {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly endLsn: string
}

/** Reads a slot with the library alone, in a process as new as the connector's: nothing is compiled yet. */
export async function readInNewProcess(url: string, slot: string, changes: number): Promise<LibraryReading> {
  const program = fileURLToPath(import.meta.url)
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program, url, slot, `${changes}`])
  return JSON.parse(stdout) as LibraryReading
}

async function read(url: string, slot: string, changes: number): Promise<LibraryReading> {
  const pool = new pg.Pool({ connectionString: url })
  const before = process.cpuUsage()
  await using library = startLibraryAlone(url, slot)
  await library.received(changes)
  const { user, system } = process.cpuUsage(before)
  const seconds = await secondsStreaming(pool, slot)
  await pool.end()
  return { seconds, cpuSeconds: (user + system) / 1e6, endLsn: library.lastCommitEndLsn ?? '0/0' }
}

const [, program, url, slot, changes] = process.argv
if (program === fileURLToPath(import.meta.url) && url && slot)
  console.log(JSON.stringify(await read(url, slot, Number(changes))))
