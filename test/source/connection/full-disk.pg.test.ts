import { execFile, execFileSync } from 'node:child_process'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { EmbeddedServer } from '../../../src/sandbox/postgres/embedded-server.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

const run = promisify(execFile)
const sizeMiB = 96

/** Returns true if this account may mount file systems, which a small disk requires. */
function mayMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Moves the server's WAL to a small disk of its own. */
async function smallDisk(server: EmbeddedServer) {
  const wal = join(server.dataDir, 'pg_wal')
  const disk = `${server.dataDir}.disk`
  await server.stop()
  await mkdir(disk)
  await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', disk])
  await run('cp', ['-a', `${wal}/.`, disk])
  await rm(wal, { recursive: true })
  await run('ln', ['-s', disk, wal])
  await server.start()
  const filler = join(disk, 'filler')
  return {
    /** Fills the disk. */
    async fill() {
      const { bavail, bsize } = await statfs(disk)
      await writeFile(filler, Buffer.alloc(bavail * bsize))
    },
    free: () => rm(filler),
    async [Symbol.asyncDispose]() {
      await server.stop('immediate')
      await run('umount', [disk])
    },
  }
}

test.skipIf(!mayMount())(
  'a server whose disk is full stops and comes back, and nothing is missing',
  async () => {
    await using server = await ownServer({ min_wal_size: '32MB', max_wal_size: '48MB' })
    await using disk = await smallDisk(server)
    const database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
    await using sandbox = await testSandbox()
    await using connector = await startConnector({ database, sandbox })
    await database.query(`insert into patients (code, plan) select 'p' || i, 'premium' from generate_series(1, 100) i`)
    await until(() => sandbox.patients().size === 100)

    await disk.fill()
    let committed = 100
    // The server writes until a segment is full and there is no space for the next one. Then it panics.
    await expect(
      (async () => {
        for (let round = 0; round < 100; round++) {
          await database.query(`insert into patients (code, plan, meta)
          select 'p' || i, 'premium', jsonb_build_object('note', 'x')
          from generate_series(${committed + 1}, ${committed + 100}) i`)
          committed += 100
          await database.query('select pg_switch_wal()')
        }
      })(),
    ).rejects.toThrow()
    await until(async () => (await connector.status()).state !== 'streaming', { deadlineMs: 60_000 })

    await disk.free()
    await server.stop('immediate')
    await server.start()
    const [count] = await database.query('select count(*) from patients')
    expect(Number(count?.count)).toBeGreaterThanOrEqual(committed)
    await database.query(`update patients set email = code || '@example.org'`)
    await until(() => sandbox.patients().get('p1')?.email === 'p1@example.org', { deadlineMs: 60_000 })
    await until(() => sandbox.patients().size === Number(count?.count), { deadlineMs: 60_000 })
    await expectBothEndsEqual(connector)
  },
  180_000,
)
