import { parseExactly } from '../model/json/parse-exactly.ts'
import type { AttributeSource } from '../model/patient/mapping.ts'
import { type Attribute, attributes, type InvalidReason, isOfKind } from '../model/patient/patient.ts'
import type { Row } from '../model/source/row.ts'
import { compileDateFormat, type ReadDate, readIsoDate } from './birth-date.ts'
import { isBlankText, withoutPadding } from './text.ts'
import { rulesOf, validatePatient } from './validate.ts'

/** Returns an attribute of a complete row, not checked yet, or the reason why there is none. */
export type ReadAttribute = (row: Row) => ReadValue
type ReadValue = { readonly value: unknown } | { readonly reason: InvalidReason }

/**
 * Compiles the source of one attribute. It adds faults of the configuration itself to `faults`, as text.
 * @param padded columns whose padding is to be taken off a code. Other texts are trimmed.
 */
export function compileAttribute(
  attribute: Attribute,
  source: AttributeSource,
  faults: string[],
  padded: readonly string[] = [],
): ReadAttribute {
  if (source.kind === 'constant') {
    if (attribute === 'code') faults.push('must not be a constant: every row would be the same patient')
    const constant = { value: source.value === null ? null : literal(attribute, source.value, faults) }
    return () => constant
  }
  if (attribute === 'code' && source.fallback !== null) {
    faults.push('must not have a default: rows without a code would all be the same patient')
  }
  const hasFallback = source.fallback !== null && !isEmpty(source.fallback)
  const fallback = { value: hasFallback ? literal(attribute, source.fallback, faults) : null }
  const read = attribute === 'code' ? codeReader(source, padded) : textReader(source)
  const convert = converter(attribute, source, faults)
  return (row) => {
    const text = read(row)
    if (text === null) return fallback
    const converted = convert(text)
    return 'value' in converted && isEmpty(converted.value) ? fallback : converted
  }
}

type Columns = Extract<AttributeSource, { kind: 'columns' }>
type ReadText = (row: Row) => string | null
type Convert = (text: string) => ReadValue

/** Reads a text. Null and blank parts are skipped; char(n) columns are padded with spaces. */
function textReader({ columns, separator }: Columns): ReadText {
  const [only] = columns
  if (columns.length === 1 && only !== undefined) return (row) => textOf(row, only)
  return (row) => {
    const parts = columns.map((column) => textOf(row, column)?.trim() ?? '').filter((part) => part !== '')
    return parts.length === 0 ? null : parts.join(separator).trim()
  }
}

/** Reads a code exactly, but for padding: skipping one of its parts would give two rows the same code. */
function codeReader({ columns, separator }: Columns, padded: readonly string[]): ReadText {
  const [only] = columns
  const read = (row: Row, column: string) => {
    const text = textOf(row, column)
    return text !== null && padded.includes(column) ? withoutPadding(text) : text
  }
  if (columns.length === 1 && only !== undefined) return (row) => read(row, only)
  return (row) => {
    const parts = columns.map((column) => read(row, column) ?? '')
    return parts.some((part) => isBlankText(part)) ? null : parts.join(separator)
  }
}

function textOf(row: Row, column: string): string | null {
  const value = row.get(column)
  return typeof value === 'string' ? value : null
}

function converter(attribute: Attribute, source: Columns, faults: string[]): Convert {
  const isDate = isOfKind(attribute, 'date')
  if (source.format !== null && !isDate) {
    const dates = attributes.filter((name) => isOfKind(name, 'date'))
    faults.push(`takes no format: only ${dates.join(' and ')} does`)
  }
  if (source.values !== null) return valueTable(attribute, source.values, faults)
  if (attribute === 'code') return (text) => ({ value: text })
  if (isOfKind(attribute, 'object')) return parseJson
  if (isDate) return dateConverter(source.format, faults)
  return (text) => ({ value: text.trim() })
}

/** Looks a value up as it is, then without char(n) padding. A blank value that the table does not list is null. */
function valueTable(attribute: Attribute, written: Readonly<Record<string, string | null>>, faults: string[]): Convert {
  const table = new Map<string, { readonly value: unknown }>()
  for (const [from, to] of Object.entries(written)) {
    table.set(from, { value: to === null ? null : literal(attribute, to, faults) })
  }
  return (text) => {
    const trimmed = text.trim()
    const found = table.get(text) ?? table.get(trimmed)
    if (found !== undefined) return found
    return trimmed === '' ? { value: null } : { reason: 'not in the value table' }
  }
}

function dateConverter(format: string | null, faults: string[]): Convert {
  const compiled = format === null ? readIsoDate : compileDateFormat(format)
  if (typeof compiled === 'object') faults.push(compiled.fault)
  const read: ReadDate = typeof compiled === 'object' ? readIsoDate : compiled
  return (text) => {
    const trimmed = text.trim()
    if (trimmed === '') return { value: null }
    const result = read(trimmed)
    return 'reason' in result ? result : { value: result.date }
  }
}

function parseJson(text: string): ReadValue {
  if (isBlankText(text)) return { value: null }
  try {
    return { value: parseExactly(text) }
  } catch {
    return { reason: 'not an object' }
  }
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === 'string' && isBlankText(value))
}

/** Converts a value in the configuration (a constant, a default, a table's result) to the attribute's final form. */
function literal(attribute: Attribute, text: string, faults: string[]): unknown {
  const parsed = isOfKind(attribute, 'object') ? parseJson(text) : { value: text }
  if ('reason' in parsed) {
    faults.push('has a configured value that is no object in JSON')
    return null
  }
  const checked = validatePatient({ [attribute]: parsed.value }, rulesOf([attribute]))
  const invalid = checked.kind === 'invalid' ? checked.invalid : []
  const fault = invalid.find((entry) => entry.attribute === attribute)
  if (fault !== undefined)
    faults.push(`has a configured value that will not do: ${fault.reason === 'missing' ? 'empty' : fault.reason}`)
  return parsed.value
}
