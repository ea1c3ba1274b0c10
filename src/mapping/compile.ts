import { ProblemsError } from '../model/failure/connector-error.ts'
import { nearestName } from '../model/nearest-name.ts'
import { fromColumn, type Mapping } from '../model/patient/mapping.ts'
import { type Attribute, attributes, type Invalid, type Mapped, type PatientCode } from '../model/patient/patient.ts'
import type { Row } from '../model/source/row.ts'
import { compileAttribute, type ReadAttribute } from './attribute-reader.ts'
import { type ColumnType, isPadded, typeFault } from './column-types.ts'
import { mappingIdOf } from './fingerprint.ts'
import { mappedPlan, type PlanSource, saysNoPlan, transformedPlan, undecidedPlan } from './plan-source.ts'
import { applyTransform, type Transform } from './transform.ts'
import { type AttributeRule, codeOf, PatientDraft, rulesOf, validatePatient } from './validate.ts'

/** Mapping compiled for one table's columns. */
export interface CompiledMapping {
  /** Identifies the mapping's meaning: whatever decides what a row is sent as. */
  readonly id: string
  /** Columns that it reads: all of them if there is a transform. */
  readonly columns: readonly string[]
  /** Columns that the code depends on. */
  readonly codeColumns: readonly string[]
  readonly padding: CodePadding
  /** Attributes that are mapped. A transform may set others. */
  readonly attributes: readonly Attribute[]
  readonly plan: PlanSource
  /** Maps a row. It never throws, whatever the row. */
  map(row: Row): Mapped
  /** Returns the code of a row that possibly lacks other columns (an old key). Null if it cannot be determined, as with a transform. */
  codeOf(row: Row): PatientCode | null
}

/** Padding that is taken off a code, because PostgreSQL adds it to the texts of character(n). */
export interface CodePadding {
  readonly columns: readonly string[]
  /** True if the code ends with one of these columns. */
  readonly isAtEnd: boolean
}

interface CompileOptions {
  /** Published columns of the table. */
  readonly columns: readonly string[]
  /** Generated columns of the table that are never streamed. */
  readonly generated?: readonly string[]
  /** Types by column; a column without one accepts every attribute. */
  readonly types?: ReadonlyMap<string, ColumnType>
  readonly requiredAttributes: readonly Attribute[]
  readonly transform?: Transform | null
  /** True refuses a mapping that does not say where the plan comes from: a patient that is sent without one is unsubscribed. */
  readonly requiresPlan?: boolean
}

/**
 * Compiles a mapping for a table. Null maps each attribute from the column of its own name, if there is one.
 * @throws {ProblemsError} that lists every attribute, column or form that does not fit.
 */
export function compileMapping(mapping: Mapping | null, options: CompileOptions): CompiledMapping {
  const { columns, generated = [], types = new Map(), requiredAttributes, transform = null } = options
  const sources = mapping ?? sameNames(columns)
  const rules = rulesOf(requiredAttributes)
  const problems = transform === null ? unmapped(mapping, sources, rules, options) : []
  const padding = paddingOf(sources, types)
  const readers = new Map<Attribute, ReadAttribute>()
  for (const attribute of attributes) {
    const source = sources[attribute]
    if (source === undefined) continue
    const named = columnsOf(sources, attribute)
    const faults = named.flatMap((column) => columnFault(column, columns, generated))
    for (const column of named) {
      const type = types.get(column)
      const fault = type && typeFault(attribute, source, type)
      if (fault) faults.push(`column "${column}" ${fault}`)
    }
    readers.set(attribute, compileAttribute(attribute, source, faults, padding.columns))
    if (source.kind === 'constant' && source.value === null && attribute !== 'code' && isRequired(rules, attribute))
      faults.push('is required, and its constant is null: every row would be rejected')
    const place = source.at === null ? '' : `${source.at}: `
    problems.push(...new Set(faults.map((fault) => `${place}mapping.${attribute}: ${fault}`)))
  }
  if (problems.length > 0) throw new ProblemsError('mapping invalid', problems)

  const mapped = [...new Set(attributes.flatMap((attribute) => columnsOf(sources, attribute)))]
  const read = transform === null ? mapped : columns
  const codeColumns = transform === null ? [...new Set(columnsOf(sources, 'code'))] : columns
  const readCode = transform === null ? readers.get('code') : undefined
  const makePatient =
    transform === null ? directly(readers, rules) : byTransform(readers, rules, transform, saysNoPlan(sources))
  const plan =
    transform === null
      ? mappedPlan(sources, readers.get('plan'), isRequired(rules, 'plan'))
      : transformedPlan(columns, makePatient)
  return {
    id: mappingIdOf(sources, requiredAttributes, transform?.contentHash ?? null, padding.columns),
    columns: read,
    codeColumns,
    padding,
    attributes: attributes.filter((attribute) => readers.has(attribute)),
    plan,
    map(row) {
      if (isComplete(row, read)) return makePatient(row)
      return { kind: 'incomplete', columns: read.filter((column) => !hasValue(row, column)) }
    },
    codeOf(row) {
      if (readCode === undefined || !isComplete(row, codeColumns)) return null
      const found = readCode(row)
      return 'value' in found ? codeOf({ code: found.value }) : null
    },
  }
}

type MakePatient = (row: Row) => Mapped
type Readers = ReadonlyMap<Attribute, ReadAttribute>

/** Maps each attribute from its column to the patient in one step, for speed: every change is mapped here. */
function directly(readers: Readers, rules: readonly AttributeRule[]): MakePatient {
  const steps = rules.flatMap((rule) => {
    const read = readers.get(rule.attribute)
    return read === undefined ? [] : [{ rule, read }]
  })
  return (row) => {
    const draft = new PatientDraft()
    for (const { rule, read } of steps) {
      const found = read(row)
      if ('value' in found) draft.add(rule, found.value)
      else draft.refuse(rule.attribute, found.reason)
    }
    return draft.finish()
  }
}

/**
 * Maps each attribute, then lets the transform change them. It must leave a plan, or null for none: without either the row is rejected,
 * because a patient that is sent without a plan is unsubscribed. @param mayLackPlan true if the mapping says that there are no plans.
 */
function byTransform(
  readers: Readers,
  rules: readonly AttributeRule[],
  transform: Transform,
  mayLackPlan: boolean,
): MakePatient {
  const undecided: readonly Invalid[] = mayLackPlan ? [] : [{ attribute: 'plan', reason: 'missing' }]
  return (row) => {
    const draft: Partial<Record<Attribute, unknown>> = {}
    const noted: Invalid[] = []
    for (const [attribute, read] of readers) {
      const found = read(row)
      if ('value' in found) draft[attribute] = found.value
      else noted.push({ attribute, reason: found.reason })
    }
    const result = applyTransform(transform, row, draft)
    if (result === null) return { kind: 'left out', code: codeOf(draft) }
    if (isInvalid(result)) return { kind: 'invalid', code: codeOf(draft), invalid: [result] }
    return validatePatient(result, rules, [...noted, ...undecided])
  }
}

function sameNames(columns: readonly string[]): Mapping {
  const found = attributes.filter((attribute) => columns.includes(attribute))
  return Object.fromEntries(found.map((attribute) => [attribute, fromColumn(attribute)]))
}

function columnsOf(sources: Mapping, attribute: Attribute): readonly string[] {
  const source = sources[attribute]
  return source?.kind === 'columns' ? source.columns : []
}

/** Returns the padding of a code. A value table lists texts as the server writes them, with their padding or without. */
function paddingOf({ code }: Mapping, types: ReadonlyMap<string, ColumnType>): CodePadding {
  if (code?.kind !== 'columns' || code.values !== null) return { columns: [], isAtEnd: false }
  const columns = [...new Set(code.columns)].filter((column) => {
    const type = types.get(column)
    return type !== undefined && isPadded(type)
  })
  return { columns, isAtEnd: columns.includes(code.columns.at(-1) ?? '') }
}

/**
 * Returns a problem for each required attribute without a source, and for a plan about which nobody decided. It does not apply to a
 * transform, which can supply the attribute.
 */
function unmapped(
  mapping: Mapping | null,
  sources: Mapping,
  rules: readonly AttributeRule[],
  { columns, generated, requiresPlan = false }: CompileOptions,
): string[] {
  const open = attributes.filter((attribute) => sources[attribute] === undefined)
  const lacking = (attribute: Attribute) =>
    mapping === null ? (columnFault(attribute, columns, generated)[0] ?? null) : null
  const required = open
    .filter((attribute) => isRequired(rules, attribute))
    .map((attribute) => {
      const fault = lacking(attribute)
      return `mapping.${attribute}: is required and not mapped${fault === null ? '' : `, and ${fault}`}`
    })
  const isUndecided = requiresPlan && open.includes('plan') && !isRequired(rules, 'plan')
  return isUndecided ? [...required, undecidedPlan(lacking('plan'))] : required
}

function isRequired(rules: readonly AttributeRule[], attribute: Attribute): boolean {
  return rules.some((rule) => rule.attribute === attribute && rule.isRequired)
}

function columnFault(column: string, columns: readonly string[], generated: readonly string[] = []): string[] {
  if (columns.includes(column)) return []
  if (generated.includes(column))
    return [`column "${column}" is generated, and this server does not stream it: map the columns that it is made of`]
  const nearest = nearestName(column, columns)
  return [`there is no published column "${column}"${nearest === null ? '' : `; did you mean "${nearest}"?`}`]
}

function isComplete(row: Row, columns: readonly string[]): boolean {
  for (const column of columns) if (!hasValue(row, column)) return false
  return true
}

/**
 * Returns true if the row has the value. An unchanged out-of-line value, or an absent column, must not count as null: that would clear the
 * attribute.
 */
function hasValue(row: Row, column: string): boolean {
  const value = row.get(column)
  return typeof value === 'string' || value === null
}

function isInvalid(result: object): result is Invalid {
  return 'reason' in result
}
