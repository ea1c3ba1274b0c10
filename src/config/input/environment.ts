import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { z } from 'zod'
import type { Problem } from '../problem.ts'
import { sections } from '../schema/schema.ts'
import { settingDocs } from '../schema/setting.ts'

/** Environment variables of the process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Setting's value from the environment, with the variable that supplied it. */
export interface Override {
  readonly section: string
  readonly name: string
  readonly variable: string
  readonly value: string
  /** Reads the value's file again; null if it came from the variable itself. */
  readonly readFile: (() => string) | null
}

/** Returns the settings that environment variables override, by key. A variable that is set but empty counts as unset. */
export function overridesFrom(env: Environment, cwd: string) {
  const overrides = new Map<string, Override>()
  const problems: Problem[] = []
  for (const { key, section, name, schema } of listSettings()) {
    const overriding = settingDocs.get(schema)?.variable
    if (overriding === undefined) continue
    const { name: variable, isSecret = false } = overriding
    const fileVariable = `${variable}_FILE`
    const value = env[variable] || undefined
    const path = (isSecret && env[fileVariable]) || undefined
    if (value !== undefined) overrides.set(key, { section, name, variable, value, readFile: null })
    if (path === undefined) continue
    const fault = value === undefined ? addFile(path) : `${variable} is set too; set one of them`
    if (fault !== null) problems.push({ variable: fileVariable, line: null, key, fault })

    function addFile(path: string): string | null {
      const readFile = () => checked(schema, readSecretFile(resolve(cwd, path)))
      try {
        const content = readSecretFile(resolve(cwd, path))
        overrides.set(key, { section, name, variable: fileVariable, value: content, readFile })
        return content === '' ? 'names a file that is empty' : null
      } catch (error) {
        overrides.set(key, { section, name, variable: fileVariable, value: '', readFile })
        return `names a file that cannot be read (${errorCode(error)})`
      }
    }
  }
  return { overrides, problems }
}

/** Returns every setting that is in a section, in the order of the schema. */
export function listSettings() {
  return Object.entries(sections).flatMap(([section, { shape }]) =>
    Object.entries<z.ZodType>(shape).map(([name, schema]) => ({ key: `${section}.${name}`, section, name, schema })),
  )
}

/** Reads a secret without the final line break that editors and `echo` add. */
function readSecretFile(path: string): string {
  return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
}

/** Checks a file's new content like at the start. @throws an error without the value. */
function checked(schema: z.ZodType, content: string): string {
  if (content === '' || !schema.safeParse(content).success) throw new Error('the file holds nothing usable')
  return content
}

/** Returns the code of a file system error (`ENOENT`). Unlike the message, it names no path. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'unknown error'
}
