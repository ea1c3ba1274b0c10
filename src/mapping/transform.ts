import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { ConnectorError } from '../model/failure/connector-error.ts'
import { type Attribute, attributes, type Invalid } from '../model/patient/patient.ts'
import type { Row } from '../model/source/row.ts'
import { withDigits, withPlainNumbers } from './draft-numbers.ts'
import type { Candidate } from './validate.ts'

/** Function of the user. It gets a frozen row as text by column, and the patient so far, which it may change and return. */
export type TransformFunction = (
  row: Readonly<Record<string, string | null>>,
  patient: Record<string, unknown>,
) => unknown

/** Function of the user and the hash that identifies its current text. */
export interface Transform {
  readonly apply: TransformFunction
  readonly contentHash: string
}

/** Imports the user's module. It hashes only this file's own text, not its imports. @throws {ConnectorError} */
export async function loadTransform(path: string): Promise<Transform> {
  const content = await readFile(path).catch((error: unknown) => {
    throw new ConnectorError('transform unusable', `the transform module ${path} cannot be read`, { cause: error })
  })
  const loaded: unknown = await import(pathToFileURL(path).href).catch((error: unknown) => {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : 'it threw what is no Error'
    throw new ConnectorError('transform unusable', `the transform module ${path} cannot be loaded: ${reason}`, {
      cause: error,
    })
  })
  const exported = typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined
  if (!isTransformFunction(exported)) {
    throw new ConnectorError(
      'transform unusable',
      `the transform module ${path} must export a function: export default (row, patient) => patient`,
    )
  }
  if (exported.constructor.name === 'AsyncFunction') {
    throw new ConnectorError(
      'transform unusable',
      `the transform module ${path} must export a function that is not async`,
    )
  }
  return { apply: exported, contentHash: createHash('sha256').update(content).digest('hex') }
}

/** Applies a transform. Returns the candidate to check, null for a row to leave out, or the failure. */
export function applyTransform(transform: Transform, row: Row, draft: Candidate): Candidate | null | Invalid {
  try {
    const copy = Object.fromEntries(Object.entries(draft).map(([name, value]) => [name, withPlainNumbers(value)]))
    const result = transform.apply(plainRow(row), copy)
    if (result === null) return null
    return isObject(result) ? candidateOf(result, draft) : failed
  } catch {
    return failed
  }
}

/** Failure without the error of the user's code, which possibly contains the row's values. */
const failed: Invalid = { attribute: 'transform', reason: 'transform failed' }

function plainRow(row: Row): Readonly<Record<string, string | null>> {
  const plain: Record<string, string | null> = Object.create(null)
  for (const [column, value] of row) plain[column] = typeof value === 'string' ? value : null
  return Object.freeze(plain)
}

/** Checks the result. A misspelt attribute is rejected, because the API would silently drop it. */
function candidateOf(result: object, draft: Candidate): Candidate | Invalid {
  if ('then' in result && typeof result.then === 'function') {
    // An unhandled rejection would end the process.
    Promise.resolve(result).catch(() => {})
    return failed
  }
  const entries = Object.entries(result)
  if (!entries.every(([name]) => known.has(name))) return failed
  const drafted = new Map<string, unknown>(Object.entries(draft))
  return Object.fromEntries(entries.map(([name, value]) => [name, withDigits(value, drafted.get(name))]))
}

const known: ReadonlySet<string> = new Set<Attribute>(attributes)

function isTransformFunction(value: unknown): value is TransformFunction {
  return typeof value === 'function'
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
