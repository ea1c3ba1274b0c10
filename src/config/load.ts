import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ProblemsError } from '../model/failure/connector-error.ts'
import { type Environment, errorCode, type Override, overridesFrom } from './input/environment.ts'
import { interpolate } from './input/interpolate.ts'
import { readYaml, type YamlSource } from './input/yaml-source.ts'
import { type Problem, problemText } from './problem.ts'
import { configSchema } from './schema/schema.ts'
import { issueProblems } from './schema/schema-problems.ts'
import type { Settings } from './settings.ts'
import { toSettings } from './to-settings.ts'

/** Path of the configuration when neither `--config` nor MEDIQUO_CDC_CONFIG names a file. */
const defaultConfigPath = 'config/mediquo-cdc.yaml'

/** Variables of which any locates the database without a URL. PostgreSQL manual, libpq "Environment Variables". */
const libpqVariables = ['PGHOST', 'PGPORT', 'PGDATABASE', 'PGUSER']

export interface LoadOptions {
  /** Path given with `--config`. */
  readonly configPath?: string | undefined
  readonly env: Environment
  readonly cwd: string
  /** Ends that the command connects to; settings for the other end may be missing. Default: both. */
  readonly needs?: readonly ('database' | 'api')[]
}

/** Reads the settings from file, environment and defaults. @throws {ProblemsError} that lists every problem. */
export function loadSettings({ configPath, env, cwd, needs = ['database', 'api'] }: LoadOptions): Settings {
  const file = findFile({ configPath, env, cwd })
  const { overrides, problems: environmentProblems } = overridesFrom(env, cwd)
  const libpq = libpqVariables.some((name) => env[name])
  const mayBeUnset = new Set([...overrides.keys(), ...optionalKeys(needs, libpq)])
  const source = readConfig({ file, cwd, env, mayBeUnset })
  if (source.problems.some(({ key }) => key === '')) throw errorOf(source.problems, file)

  const parsed = configSchema.safeParse(withOverrides(source.value, overrides))
  const found = [...source.problems, ...environmentProblems]
  const blamed = new Set(found.map(({ key }) => key))
  const invalid = issueProblems(parsed.error?.issues ?? [], { lines: source.lines, overrides })
  found.push(...invalid.filter(({ key }) => !blamed.has(key)))
  if (!parsed.success) throw errorOf(found, file)

  const directory = file === null ? cwd : dirname(resolve(cwd, file))
  const optional = optionalKeys(needs, libpq)
  const { settings, problems } = toSettings(parsed.data, {
    file,
    directory,
    lines: source.lines,
    overrides,
    env,
    optional,
  })
  found.push(...problems.filter(({ key }) => !blamed.has(key)))
  if (found.length > 0) throw errorOf(found, file)
  return settings
}

function findFile({ configPath, env, cwd }: Pick<LoadOptions, 'configPath' | 'env' | 'cwd'>): string | null {
  const named = configPath ?? (env.MEDIQUO_CDC_CONFIG || undefined)
  if (named !== undefined) return named
  return existsSync(resolve(cwd, defaultConfigPath)) ? defaultConfigPath : null
}

function optionalKeys(needs: readonly string[], libpq: boolean): string[] {
  return [
    ...(libpq || !needs.includes('database') ? ['source.url'] : []),
    ...(needs.includes('api') ? [] : ['mediquo.apiKey', 'mediquo.secretKey']),
  ]
}

interface ReadOptions {
  readonly file: string | null
  readonly cwd: string
  readonly env: Environment
  readonly mayBeUnset: ReadonlySet<string>
}

function readConfig({ file, cwd, env, mayBeUnset }: ReadOptions): YamlSource {
  if (file === null) return { value: {}, lines: new Map(), empty: [], problems: [] }
  let text: string
  try {
    text = readFileSync(resolve(cwd, file), 'utf8')
  } catch (error) {
    throw new ProblemsError('configuration invalid', [`${file}: cannot be read (${errorCode(error)})`])
  }
  const read = readYaml(text, (scalar, key) => {
    const interpolated = interpolate(scalar, env)
    return 'fault' in interpolated && mayBeUnset.has(key) ? { text: '' } : interpolated
  })
  return { ...read, problems: [...read.problems, ...emptyConstants(read)] }
}

/** Returns a problem for each constant without a value: a template that was not filled in must not count as a decision for null. */
function emptyConstants({ empty, lines }: YamlSource): Problem[] {
  return empty
    .filter((key) => /^mapping\.\w+\.constant$/.test(key))
    .map((key) => ({
      variable: null,
      line: lines.get(key) ?? null,
      key,
      fault: 'has no value; write null if that is meant',
    }))
}

/** Replaces the file's values with those of the environment. It leaves values that should be a map for the schema to reject. */
function withOverrides(value: unknown, overrides: ReadonlyMap<string, Override>): unknown {
  const root = value ?? {}
  if (!isMap(root)) return root
  const merged: Record<string, unknown> = { ...root }
  for (const { section, name, value } of overrides.values()) {
    const written = merged[section] ?? {}
    if (isMap(written)) merged[section] = { ...written, [name]: value }
  }
  return merged
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function errorOf(problems: readonly Problem[], file: string | null): ProblemsError {
  const inOrder = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
  return new ProblemsError('configuration invalid', [...new Set(inOrder.map((problem) => problemText(problem, file)))])
}
