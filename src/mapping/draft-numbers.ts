import { ExactNumber, fitsNumber } from '../model/json/exact-number.ts'
import { isPlainObject } from './meta.ts'

/**
 * Copies a value for a transform, which may change the copy: all rows share the objects of the configuration. A number is an
 * ordinary one, unless JavaScript cannot hold its value.
 */
export function withPlainNumbers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof ExactNumber) return fitsNumber(value) ? value.valueOf() : value
  if (Array.isArray(value)) return value.map(withPlainNumbers)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withPlainNumbers(item)]))
}

/** Restores the digits of each number that a transform left where it was: 1.10 instead of 1.1. */
export function withDigits(returned: unknown, original: unknown): unknown {
  if (typeof returned === 'number')
    return original instanceof ExactNumber && Object.is(returned, original.valueOf()) ? original : returned
  if (Array.isArray(returned) && Array.isArray(original))
    return returned.map((item: unknown, index) => withDigits(item, original[index]))
  if (!isPlainObject(returned) || !isPlainObject(original)) return returned
  const originals = new Map<string, unknown>(Object.entries(original))
  return Object.fromEntries(Object.entries(returned).map(([key, item]) => [key, withDigits(item, originals.get(key))]))
}
