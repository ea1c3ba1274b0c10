import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = 'test/sabotage'

/** Patch that breaks one promise of `docs/guarantees.md` on purpose, as a plausible mistake would. */
export interface Sabotage {
  readonly name: string
  /** Path from the repository's root. */
  readonly path: string
  readonly promise: number
  /** Description of the broken promise, one sentence. */
  readonly breaks: string
  /** Test files of which one must fail, from the repository's root. */
  readonly tests: readonly string[]
}

/** Reads all sabotages, by promise. @throws {Error} if a patch lacks one of its header lines. */
export function allSabotages(): Sabotage[] {
  return readdirSync(new URL('./', import.meta.url))
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((file) => parseSabotage(file, readFileSync(new URL(file, import.meta.url), 'utf8')))
}

/** Reads the lines before the diff, which `git apply` skips. @throws {Error} that names a missing line. */
export function parseSabotage(file: string, text: string): Sabotage {
  const [header = ''] = text.split(/^diff --git /m)
  const path = `${folder}/${file}`
  const promise = Number(lineOf(header, 'Promise', path))
  if (!Number.isInteger(promise)) throw new Error(`${path}: write the number of one promise after "Promise: "`)
  const tests = lineOf(header, 'Tests', path).split(/\s+/)
  return { name: file.replace(/\.patch$/, ''), path, promise, breaks: lineOf(header, 'Breaks', path), tests }
}

function lineOf(header: string, name: string, path: string): string {
  const [, value] = new RegExp(`^${name}: +(.*\\S)`, 'm').exec(header) ?? []
  if (value === undefined) throw new Error(`${path}: write a line "${name}: …" in front of the diff`)
  return value
}

/**
 * Runs `git apply` in a tree, which needs no repository. Ignores a repository above the tree, because git would skip every file as outside
 * of it. @returns null, or the reason why the patch does not apply.
 */
export function gitApply(tree: string, { path }: Sabotage, ...options: readonly ('--check' | '--reverse')[]) {
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(tree.replace(/\/$/, '')) }
  try {
    execFileSync('git', ['apply', ...options, path], { cwd: tree, env, stdio: ['ignore', 'ignore', 'pipe'] })
    return null
  } catch (error) {
    return error instanceof Error && 'stderr' in error ? String(error.stderr).trim() || error.message : String(error)
  }
}
