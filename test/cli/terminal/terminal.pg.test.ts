import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { defaultKeys } from '../../../src/sandbox/sandbox-state.ts'
import { workspace } from '../../config/loading.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import { runCommand } from '../run-command.ts'

const keysOf = (baseUrl: string) => ({
  MEDIQUO_API_KEY: defaultKeys.apiKey,
  MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
  MEDIQUO_BASE_URL: baseUrl,
})
const escapeCode = '\u001b['

test('each report fits 80 columns, however long its content is', async () => {
  const columns = Array.from({ length: 12 }, (_, at) => `a_column_with_a_long_name_${at} text`)
  await using database = await testDatabase({ schema: patientsTable })
  await database.query(`
    alter table patients ${columns.map((column) => `add ${column}`).join(', ')};
    insert into patients (code, gender) values ('P1', 'male'), ('P2', 'not a gender'), ('P3', 'male')`)
  await using sandbox = await testSandbox()
  const source = { backfill: 'initial' as const }
  await using connector = await startConnector({ database, sandbox, config: { source } })
  await until(async () => (await connector.status()).deadLetters === 1 && sandbox.patients().size === 2)
  const unfitting = { ...source, table: 'public.nowhere', publication: 'a_publication_of_another_name' }
  const attributes = ['code', 'first_name', 'gender', 'birth_date', 'plan']
  const mapping = Object.fromEntries(attributes.map((name) => [name, name]))
  const keys = keysOf(sandbox.baseUrl)
  const env = { ...keys, HTTP_PORT: String(connector.port()) }
  const printed: string[] = []
  for (const [args, of] of [
    [['check'], {}],
    [['check'], { source: unfitting }],
    [['setup', '--role', 'a_role_of_its_own'], { source: { publication: 'not_there_yet', slot: 'not_there_yet' } }],
    [['status'], {}],
    [['dead-letters', 'list'], {}],
    [['verify', '--all'], {}],
    [['teardown'], {}],
    [['adopt'], { source: { slot: connector.slot } }],
    [['backfill', '--code', 'P1'], {}],
    [['dead-letters', 'retry', '--all'], {}],
  ] as const)
    printed.push((await runCommand(args, { database, mapping, source: { slot: connector.slot }, ...of }, env)).printed)
  const all = printed.join('\n').split('\n')
  expect(all.length).toBeGreaterThan(100)
  expect(all.filter((line) => line.length > 80)).toEqual([])
  expect(printed.join('')).not.toContain(escapeCode)
})

test('colours are only for a terminal that supports them, and --json has none', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  await using sandbox = await testSandbox()
  const config = { source: { table: 'public.patients', slot: `slot_${database.name}` } }
  using folder = workspace({ 'config/mediquo-cdc.yaml': stringify(config) })
  const main = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))
  const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...inherited } = process.env
  const env = { ...inherited, ...keysOf(sandbox.baseUrl), DATABASE_URL: database.url, TERM: 'xterm' }
  const run = async (more: Readonly<Record<string, string>>, args = ['check']) =>
    (
      await promisify(execFile)(process.execPath, [main, ...args], {
        cwd: folder.cwd,
        env: { ...env, ...more },
      })
    ).stdout
  const [piped, forced, json] = await Promise.all([
    run({}),
    run({ FORCE_COLOR: '1' }),
    run({ FORCE_COLOR: '1' }, ['check', '--json']),
  ])
  expect(piped).not.toContain(escapeCode)
  expect(forced).toContain(`${escapeCode}32mpassed`)
  expect(json).not.toContain(escapeCode)
  if (spawnSync('script', ['--version']).error) return
  const onTerminal = (more: Readonly<Record<string, string>>) =>
    promisify(execFile)('script', ['-qec', `'${process.execPath}' '${main}' check`, join(folder.cwd, 'typescript')], {
      cwd: folder.cwd,
      env: { ...env, ...more },
    })
  const [coloured, without] = await Promise.all([onTerminal({}), onTerminal({ NO_COLOR: '1' })])
  expect(coloured.stdout).toContain(`${escapeCode}32mpassed`)
  expect(without.stdout).toContain('passed')
  expect(without.stdout).not.toContain(escapeCode)
})
