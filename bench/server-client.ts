import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Pool } from 'pg'
import { publication } from './stand.ts'

const run = promisify(execFile)

/**
 * Reads a slot's changes up to a position with pg_recvlogical, the server's own client, which writes them to /dev/null. It reads a copy of
 * the slot, because it confirms what it received.
 * @returns seconds, with the start of the process; null if the program is not installed.
 */
export async function readWithServerClient(
  { url, pool }: { readonly url: string; readonly pool: Pool },
  slot: string,
  endLsn: string,
): Promise<number | null> {
  const program = await serverClient()
  if (program === null) return null
  const copy = `${slot}_copy`
  await pool.query('select pg_copy_logical_replication_slot($1, $2)', [slot, copy])
  const options = ['-o', 'proto_version=1', '-o', `publication_names=${publication}`]
  const startMs = performance.now()
  await run(program, ['-d', url, '-S', copy, '--start', '--no-loop', '-f', '/dev/null', '--endpos', endLsn, ...options])
  const seconds = (performance.now() - startMs) / 1000
  await pool.query('select pg_drop_replication_slot($1)', [copy])
  return seconds
}

/** Returns the path of pg_recvlogical. The embedded server comes without it. */
async function serverClient(): Promise<string | null> {
  const folder = await run('pg_config', ['--bindir']).then(
    ({ stdout }) => `${stdout.trim()}/`,
    () => '',
  )
  for (const program of [`${folder}pg_recvlogical`, 'pg_recvlogical']) if (await starts(program)) return program
  return null
}

async function starts(program: string): Promise<boolean> {
  return await run(program, ['--version']).then(
    () => true,
    () => false,
  )
}
