import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = 'test/sabotage'

/** A patch that breaks one promise of `docs/guarantees.md` on purpose, as a plausible mistake would. */
export interface Sabotage {
  readonly name: string
  /** From the repository's root. */
  readonly path: string
  readonly promise: number
  /** One sentence. */
  readonly breaks: string
  /** The test files of which one must fail, from the repository's root. */
  readonly tests: readonly string[]
}

/** Every sabotage, by promise. @throws {Error} if a patch lacks one of its header lines. */
export function allSabotages(): Sabotage[] {
  return readdirSync(new URL('./', import.meta.url))
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((file) => parseSabotage(file, readFileSync(new URL(file, import.meta.url), 'utf8')))
}

/** Reads the lines in front of the diff, which `git apply` passes over. @throws {Error} that says which one is missing. */
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
 * `git apply` in a tree, which needs no repository. @returns null, or why it does not apply. Another repository above the tree is
 * not looked for: git would pass over every file as being outside of it.
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
