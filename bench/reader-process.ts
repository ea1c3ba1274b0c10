import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { newPool } from '../test/support/postgres/connections.ts'
import { startClientAlone } from './client-alone.ts'
import { startLibraryAlone } from './library-alone.ts'
import { secondsStreaming } from './streaming-time.ts'

const readers = { library: startLibraryAlone, client: startClientAlone }
export type Reader = keyof typeof readers

/** Elapsed time and processor time of reading a slot, seconds, and the end position of the last transaction. */
export interface Reading {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly endLsn: string
}

/** Reads a slot with a reader alone, in a process as new as the connector's: no code is compiled yet. */
export async function readInNewProcess(reader: Reader, url: string, slot: string, changes: number): Promise<Reading> {
  const program = fileURLToPath(import.meta.url)
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--import', 'tsx', program, reader, url, slot, `${changes}`])
  return JSON.parse(stdout) as Reading
}

async function read(reader: Reader, url: string, slot: string, changes: number): Promise<Reading> {
  const pool = newPool({ connectionString: url })
  const before = process.cpuUsage()
  await using reading = readers[reader](url, slot)
  await reading.received(changes)
  const { user, system } = process.cpuUsage(before)
  const seconds = await secondsStreaming(pool, slot)
  await pool.end()
  return { seconds, cpuSeconds: (user + system) / 1e6, endLsn: reading.lastCommitEndLsn ?? '0/0' }
}

const [, program, reader, url, slot, changes] = process.argv
if (program === fileURLToPath(import.meta.url) && (reader === 'library' || reader === 'client') && url && slot)
  console.log(JSON.stringify(await read(reader, url, slot, Number(changes))))
