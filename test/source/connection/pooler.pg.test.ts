import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../../cli/run-command.ts'
import { patientsTable } from '../../support/connector.ts'
import { freePort } from '../../support/network/free-port.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'

const hasPooler = spawnSync('pgbouncer', ['--version']).status === 0
const keys = { MEDIQUO_API_KEY: 'any', MEDIQUO_SECRET_KEY: 'any', MEDIQUO_BASE_URL: 'http://127.0.0.1:9/v1' }

/** Starts a real pgbouncer in front of the database. @param ignored startup parameters that it ignores. */
async function pooler({ url, name }: TestDatabase, ignored: string) {
  const target = new URL(url)
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'mediquo-cdc-pooler-'))
  await chmod(folder, 0o755)
  const password = target.password && ` password=${decodeURIComponent(target.password)}`
  const config = join(folder, 'pgbouncer.ini')
  await writeFile(
    config,
    `[databases]\n${name} = host=${target.hostname} port=${target.port} user=${target.username}${password}
[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\nauth_type = any\nunix_socket_dir =\nignore_startup_parameters = ${ignored}\n`,
  )
  const asRoot = process.getuid?.() === 0
  const child: ChildProcess = spawn('pgbouncer', [...(asRoot ? ['-u', 'nobody'] : []), config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (text: Buffer) => {
      if (`${text}`.includes('listening on 127.0.0.1')) resolve()
    })
    child.once('exit', (status) => reject(new Error(`pgbouncer ended with ${status}`)))
  })
  const through = new URL(url)
  through.port = `${port}`
  return {
    url: through.href,
    async [Symbol.asyncDispose]() {
      child.removeAllListeners('exit')
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      await rm(folder, { recursive: true })
    },
  }
}

describe.skipIf(!hasPooler)('a pooler in between', () => {
  test.each([
    ['that takes no options', 'extra_float_digits'],
    ['that throws options away', 'extra_float_digits,options'],
  ])('%s is distinguished from a server', async (_, ignored) => {
    await using database = await testDatabase({ schema: patientsTable })
    await using between = await pooler(database, ignored)
    const { status, text } = await runCommand(['check'], { database: { ...database, url: between.url } }, keys)
    expect(status).toBe(3)
    expect(text).toContain('a pooler such as pgbouncer cannot carry replication; name the server itself')
  })
})
