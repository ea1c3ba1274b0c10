import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const repository = fileURLToPath(new URL('..', import.meta.url))

/** Build of another revision, in a temporary folder of its own. */
export interface RevisionBuild extends AsyncDisposable {
  /** Abbreviated commit hash. */
  readonly revision: string
  readonly dist: string
}

/** Checks a git revision out into a temporary folder and builds it, with the packages of this revision if its lock file is the same. */
export async function buildRevision(name: string): Promise<RevisionBuild> {
  const git = async (...args: string[]) => (await run('git', args, { cwd: repository })).stdout.trim()
  const revision = await git('rev-parse', '--short', '--verify', `${name}^{commit}`)
  const folder = await mkdtemp(join(tmpdir(), 'mediquo-cdc-revision-'))
  const dispose = () => rm(folder, { recursive: true, force: true })
  try {
    const source = join(folder, 'source')
    await mkdir(source)
    await git('archive', '--output', join(folder, 'source.tar'), revision)
    await run('tar', ['-xf', join(folder, 'source.tar'), '-C', source])
    const isSameLock = (await git('diff', '--name-only', revision, '--', 'package-lock.json')) === ''
    if (isSameLock) await symlink(join(repository, 'node_modules'), join(source, 'node_modules'))
    else await run('npm', ['ci', '--ignore-scripts'], { cwd: source })
    await run('npm', ['run', 'build'], { cwd: source })
    return { revision, dist: join(source, 'dist'), [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}
