import { pathToFileURL } from 'node:url'
import { ConnectorError } from '../model/failure/connector-error.ts'
import { type Attribute, attributes, type Invalid } from '../model/patient/patient.ts'
import type { Row } from '../model/source/row.ts'
import { withDigits, withPlainNumbers } from './draft-numbers.ts'
import { contentHashOf } from './transform-files.ts'
import type { Candidate } from './validate.ts'

/** Function of the user. It gets a frozen row as text by column, and the patient so far, which it may change and return. */
export type TransformFunction = (
  row: Readonly<Record<string, string | null>>,
  patient: Record<string, unknown>,
) => unknown

/** Function of the user and the hash that identifies the text of its files. */
export interface Transform {
  readonly apply: TransformFunction
  readonly contentHash: string
}

/** Maximum number of attempts while the files keep changing. */
const maxAttempts = 3
const loaded = new Map<string, Promise<Transform>>()

/**
 * Imports the user's module, once for each path: a change of its files takes effect at the next start, so that the hash is always that of
 * the function in use. @throws {ConnectorError}
 */
export function loadTransform(path: string): Promise<Transform> {
  const loading = loaded.get(path) ?? load(path)
  loaded.set(path, loading)
  loading.catch(() => loaded.delete(path))
  return loading
}

async function load(path: string): Promise<Transform> {
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const contentHash = await hashOf(path)
    const apply = await importFunction(path, contentHash)
    if ((await hashOf(path)) === contentHash) return { apply, contentHash }
  }
  throw new ConnectorError('transform unusable', `the transform module ${path} changes while it is loaded`)
}

async function hashOf(path: string): Promise<string> {
  return await contentHashOf(path).catch((error: unknown) => {
    throw new ConnectorError('transform unusable', `the transform module ${path} cannot be read`, { cause: error })
  })
}

/** Imports the module under the hash of its content: Node.js returns the older one otherwise. */
async function importFunction(path: string, contentHash: string): Promise<TransformFunction> {
  const url = pathToFileURL(path)
  url.search = contentHash
  const found: unknown = await import(url.href).catch((error: unknown) => {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : 'it threw what is no Error'
    throw new ConnectorError('transform unusable', `the transform module ${path} cannot be loaded: ${reason}`, {
      cause: error,
    })
  })
  const exported = typeof found === 'object' && found !== null && 'default' in found ? found.default : undefined
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
  return exported
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
