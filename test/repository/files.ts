import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)

/** Every file of the repository that git tracks or would track, as a path from its root. */
export function repositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: fileURLToPath(root),
    encoding: 'utf8',
  })
  return listed.split('\0').filter((path) => path !== '' && existsSync(new URL(path, root)))
}

/** A file's text, by its path from the root. */
export function textOf(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}
