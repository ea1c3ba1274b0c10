import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ConfigError } from '../../src/config/config-error.ts'
import { type LoadOptions, loadSettings } from '../../src/config/load.ts'

/** Enough of an environment for every command. */
export const complete = {
  DATABASE_URL: 'postgres://reader@db.example/his',
  MEDIQUO_API_KEY: 'api-key',
  MEDIQUO_SECRET_KEY: 'secret-key',
}

/** An empty directory to load from, gone when disposed of. */
export function workspace(files: Readonly<Record<string, string>> = {}) {
  const cwd = mkdtempSync(join(tmpdir(), 'mediquo-cdc-config-'))
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(cwd, path)), { recursive: true })
    writeFileSync(join(cwd, path), text)
  }
  for (const [path, text] of Object.entries(files)) write(path, text)
  return { cwd, write, [Symbol.dispose]: () => rmSync(cwd, { recursive: true }) }
}

/** The settings from a file of this text. */
export function settingsOf(yaml: string, env: LoadOptions['env'] = complete) {
  using directory = workspace({ 'config/mediquo-cdc.yaml': yaml })
  return loadSettings({ env, cwd: directory.cwd })
}

/** The problems that loading reports; none if it works. */
export function problemsOf(load: () => unknown): readonly string[] {
  try {
    load()
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

/** The problems of a file of this text. */
export function yamlProblems(yaml: string, env: LoadOptions['env'] = complete) {
  return problemsOf(() => settingsOf(yaml, env))
}
