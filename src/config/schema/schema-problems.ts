import type { z } from 'zod'
import { nearestName } from '../../model/nearest-name.ts'
import { attributes } from '../../model/patient/patient.ts'
import { keyText, type Problem } from '../problem.ts'
import { attributeKeys } from './mapping-schema.ts'
import { configSchema, sections } from './schema.ts'

/** Places of keys: the lines of the file, and the variables that override them. */
export interface Places {
  readonly lines: ReadonlyMap<string, number>
  readonly overrides: ReadonlyMap<string, { readonly variable: string }>
}

/** Converts the schema's issues to problems, each with its key and place. */
export function issueProblems(issues: readonly z.core.$ZodIssue[], places: Places): Problem[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [problemAt(issue.path, faultOf(issue), places)]
    return issue.keys.map((key) => unknownKey(issue.path, key, places))
  })
}

/** Makes the problem of a key, at its line or at the line of the nearest enclosing key. */
export function problemAt(path: readonly PropertyKey[], fault: string, { lines, overrides }: Places): Problem {
  const key = keyText(path)
  const variable = overrides.get(key)?.variable ?? null
  const around = path.map((_, index) => lines.get(keyText(path.slice(0, path.length - index))))
  return { variable, line: around.find((line) => line !== undefined) ?? lines.get('') ?? null, key, fault }
}

function faultOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type' || issue.expected !== 'object') return issue.message
  const inMapping = issue.path[0] === 'mapping' && issue.path.length === 2
  return inMapping ? 'must be a column name, or hold keys and values' : 'must hold keys and values'
}

/** Makes the problem of an unknown key. It names only keys of an ordinary form: others are possibly a secret in the wrong place. */
function unknownKey(path: readonly PropertyKey[], key: string, places: Places): Problem {
  const line = problemAt([...path, key], '', places).line
  if (!/^[A-Za-z][A-Za-z_]{0,30}$/.test(key))
    return { ...problemAt(path, 'holds a key that is not known', places), line }
  const nearest = nearestName(key, knownKeys(path))
  const meant = nearest === null ? '' : `; did you mean ${nearest}?`
  return { variable: null, line, key: keyText([...path, key]), fault: `is not a known key${meant}` }
}

function knownKeys([section, attribute]: readonly PropertyKey[]): readonly string[] {
  if (section === undefined) return Object.keys(configSchema.shape)
  if (section === 'mapping') return attribute === undefined ? attributes : attributeKeys
  const known: Readonly<Record<PropertyKey, { readonly shape: object } | undefined>> = sections
  return Object.keys(known[section]?.shape ?? {})
}
