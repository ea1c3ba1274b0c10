import { spawn } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { gitApply, root, type Sabotage } from './patches.ts'
import { faultOf, type TestReport, testReport, type Verdict, verdictOf } from './verdict.ts'

const leftOut = new Set(['.git', 'node_modules', 'dist', 'coverage'])
/** Limit of a run. The slowest database test takes a few minutes. */
const longestRunMs = 15 * 60_000

/** Copy of the repository's files in the temporary folder, for the patches: the working tree is never changed. */
export class Tree {
  readonly #path: string
  readonly #signal: AbortSignal
  readonly #wholeTests = new Set<string>()
  readonly #report: string

  private constructor(path: string, signal: AbortSignal) {
    this.#path = path
    this.#signal = signal
    this.#report = join(path, 'report.json')
  }

  /** @param signal ends what runs in it. */
  static async make(signal: AbortSignal): Promise<Tree> {
    const path = await mkdtemp(join(tmpdir(), 'mediquo-cdc-sabotage-'))
    // The account that runs a test's server needs access.
    await chmod(path, 0o755)
    await cp(root, path, { recursive: true, filter: (file) => !leftOut.has(relative(root, file).split(sep)[0] ?? '') })
    // Links each package separately, so that files that vite writes to this folder stay in the copy.
    await mkdir(join(path, 'node_modules'))
    for (const name of await readdir(join(root, 'node_modules')))
      if (name !== '.vite') await symlink(join(root, 'node_modules', name), join(path, 'node_modules', name))
    return new Tree(path, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#path, { recursive: true, force: true })
  }

  /** Breaks the promise, runs the tests that guard it, and restores it. */
  async sabotage(sabotage: Sabotage): Promise<Verdict> {
    const fault = await this.#faultUnbroken(sabotage.tests)
    if (fault !== null) return missed(`fix these tests first, they fail without the patch: ${fault}`)
    const refusal = gitApply(this.#path, sabotage)
    if (refusal !== null) return missed(`regenerate the patch, it does not apply: ${refusal.split('\n')[0]}`)
    const verdict = await this.#verdict(sabotage)
    const stuck = gitApply(this.#path, sabotage, '--reverse')
    if (stuck !== null) throw new Error(`${sabotage.path} cannot be taken back, the next would not be alone: ${stuck}`)
    return verdict
  }

  async #verdict({ tests }: Sabotage): Promise<Verdict> {
    const mistake = await this.#compilerMistake()
    if (mistake !== null) return missed(`regenerate the patch, it does not compile: ${mistake}`)
    const verdict = verdictOf(await this.#test(tests))
    return verdict.kind === 'caught' ? { ...verdict, file: relative(this.#path, verdict.file) } : verdict
  }

  /** Returns the failure of the unpatched tests, which would prove nothing. Cached for each set of tests. */
  async #faultUnbroken(tests: readonly string[]): Promise<string | null> {
    const set = tests.join(' ')
    if (this.#wholeTests.has(set)) return null
    const fault = faultOf(await this.#test(tests))
    if (fault === null) this.#wholeTests.add(set)
    return fault
  }

  /** Returns the first error of the compiler. A mistake that the compiler finds needs no test. */
  async #compilerMistake(): Promise<string | null> {
    const options = [
      '-p',
      'tsconfig.build.json',
      '--noEmit',
      '--incremental',
      '--tsBuildInfoFile',
      'sabotage.tsbuildinfo',
    ]
    const { status, output } = await this.#run('node_modules/typescript/bin/tsc', options)
    return status === 0 ? null : (output.split('\n')[0] ?? '')
  }

  async #test(tests: readonly string[]): Promise<TestReport> {
    await rm(this.#report, { force: true })
    const projects = new Set(tests.map((test) => (test.endsWith('.pg.test.ts') ? 'pg' : 'unit')))
    const { status, output } = await this.#run('node_modules/vitest/vitest.mjs', [
      'run',
      ...[...projects].map((project) => `--project=${project}`),
      '--reporter=json',
      `--outputFile=${this.#report}`,
      ...tests,
    ])
    const text = await readFile(this.#report, 'utf8').catch(() => null)
    if (text !== null) return testReport.parse(JSON.parse(text))
    const message = `vitest ended with ${status} and no report, run it by hand: ${output.trim()}`
    return { testResults: [{ name: '', status: 'failed', message, assertionResults: [] }] }
  }

  /** Runs a program. Kills it after the limit, without a status then. @throws the signal's reason. */
  async #run(program: string, args: readonly string[]): Promise<{ status: number | null; output: string }> {
    const tooLong = AbortSignal.timeout(longestRunMs)
    const signal = AbortSignal.any([this.#signal, tooLong])
    const child = spawn(process.execPath, [program, ...args], {
      cwd: this.#path,
      signal,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    return await new Promise((resolve, reject) => {
      child.once('error', (error) => signal.aborted || reject(error))
      // Only after the process has ended: files that it still wrote would remain.
      child.once('close', (status) => {
        if (this.#signal.aborted) reject(this.#signal.reason)
        else resolve(tooLong.aborted ? { status: null, output: 'it ran for a quarter of an hour' } : { status, output })
      })
    })
  }
}

function missed(why: string): Verdict {
  return { kind: 'missed', why }
}
