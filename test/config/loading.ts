import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type LoadOptions, loadSettings } from '../../src/config/load.ts'
import { ProblemsError } from '../../src/model/failure/connector-error.ts'

/** Environment that suffices for every command. */
export const complete = {
  DATABASE_URL: 'postgres://reader@db.example/his',
  MEDIQUO_API_KEY: 'api-key',
  MEDIQUO_SECRET_KEY: 'secret-key',
}

/** Creates an empty directory to load from, and removes it on disposal. */
export function workspace(files: Readonly<Record<string, string>> = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'mediquo-cdc-config-'))
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(cwd, path)), { recursive: true })
    writeFileSync(join(cwd, path), text)
  }
  for (const [path, text] of Object.entries(files)) write(path, text)
  return { cwd, write, [Symbol.dispose]: () => rmSync(cwd, { recursive: true }) }
}

/** Loads the settings from a file with this text. */
export function settingsOf(yaml: string, env: LoadOptions['env'] = complete) {
  using directory = workspace({ 'config/mediquo-cdc.yaml': yaml })
  return loadSettings({ env, cwd: directory.cwd })
}

/** Returns the problems that loading reports; none if it succeeds. */
export function problemsOf(load: () => unknown): readonly string[] {
  try {
    load()
    return []
  } catch (error) {
    if (error instanceof ProblemsError) return error.problems
    throw error
  }
}

/** Returns the problems of a file with this text. */
export function yamlProblems(yaml: string, env: LoadOptions['env'] = complete) {
  return problemsOf(() => settingsOf(yaml, env))
}
