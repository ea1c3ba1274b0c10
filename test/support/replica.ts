import { execFile } from 'node:child_process'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type EmbeddedServer, startEmbeddedServer } from '../../src/sandbox/postgres/embedded-server.ts'

const run = promisify(execFile)

/**
 * Creates a standby of a server: `await using standby = await replicaOf(primary)`. It is a copy of the server's files, taken while the
 * server is down, and streams through a physical slot. The same password opens both.
 */
export async function replicaOf(
  primary: EmbeddedServer,
  settings: Readonly<Record<string, string>> = {},
): Promise<EmbeddedServer> {
  const { password } = new URL(primary.url())
  const standby = await startEmbeddedServer({
    durable: false,
    password: decodeURIComponent(password),
    binDir: primary.binDir,
    settings: {
      hot_standby_feedback: 'on',
      wal_receiver_status_interval: '1s',
      primary_slot_name: 'replica',
      primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres password=${decodeURIComponent(password)} dbname=postgres`,
      ...settings,
    },
  })
  await standby.stop('immediate')
  await primary.stop()
  await rm(standby.dataDir, { recursive: true })
  await run('cp', ['-a', primary.dataDir, standby.dataDir])
  // A base backup leaves slots out as well.
  const slots = join(standby.dataDir, 'pg_replslot')
  for (const slot of await readdir(slots)) await rm(join(slots, slot), { recursive: true })
  await primary.start()
  await writeFile(join(standby.dataDir, 'standby.signal'), '')
  await standby.start()
  return standby
}
