import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)

/** Lists every file of the repository that git tracks or would track, as a path from its root. */
export function repositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: fileURLToPath(root),
    encoding: 'utf8',
  })
  return listed.split('\0').filter((path) => path !== '' && existsSync(new URL(path, root)))
}

/** Returns the text of a file, by its path from the root. */
export function textOf(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}
