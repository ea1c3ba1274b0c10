import { type Attribute, attributes, isOfKind } from '../model/patient/patient.ts'
import { columnsNamedFor } from './column-names.ts'
import type { DateFormat, GenderValues } from './known-values.ts'

/** Part of a table that a proposal uses. */
export interface ProposedTable {
  readonly columns: readonly {
    readonly name: string
    readonly isText: boolean
    readonly isJson: boolean
    readonly isDate: boolean
  }[]
  /** Columns of its primary key. */
  readonly key: readonly string[]
}

/** Attribute as the configuration writes it, with a comment if a person should check it. */
export interface ProposedAttribute {
  readonly attribute: Attribute
  readonly written: unknown
  readonly comment?: string
}

/** Findings of a bounded look at the rows. */
export interface Findings {
  readonly genders: (column: string) => GenderValues
  readonly dates: (column: string) => DateFormat
}

/** Proposes a mapping from the names and types of a table's columns. Doubtful parts have a comment. Pure. */
export function proposeMapping(table: ProposedTable, findings: Findings): ProposedAttribute[] {
  const names = table.columns.map(({ name }) => name)
  const taken = new Set<string>()
  const proposed: ProposedAttribute[] = []
  for (const attribute of attributes) {
    const columns = columnsFor(attribute, table, names).filter((column) => !taken.has(column) || attribute === 'code')
    if (columns.length === 0) continue
    for (const column of columns) taken.add(column)
    proposed.push({ attribute, ...written(attribute, columns, table, findings) })
  }
  return proposed
}

function columnsFor(attribute: Attribute, { columns, key }: ProposedTable, names: readonly string[]): string[] {
  const named = columnsNamedFor(attribute, names)
  if (attribute === 'code') return named.length > 0 ? named : [...key]
  const fits = (name: string) => {
    const column = columns.find((one) => one.name === name)
    if (isOfKind(attribute, 'object')) return column?.isJson === true
    return isOfKind(attribute, 'date') ? column?.isDate === true || column?.isText === true : column?.isJson === false
  }
  return named.filter(fits)
}

function written(
  attribute: Attribute,
  columns: readonly string[],
  { columns: known }: ProposedTable,
  { genders, dates }: Findings,
): Omit<ProposedAttribute, 'attribute'> {
  const [column = ''] = columns
  if (columns.length > 1) return { written: { columns, separator: attribute === 'code' ? '-' : ' ' } }
  if (isOfKind(attribute, 'gender')) return genderOf(column, genders(column))
  if (isOfKind(attribute, 'date') && known.find(({ name }) => name === column)?.isText)
    return dateOf(column, dates(column))
  return { written: column }
}

function genderOf(column: string, { values, others, isAmbiguous }: GenderValues): Omit<ProposedAttribute, 'attribute'> {
  const comments = [
    ...(isAmbiguous ? ['M may mean male or mujer: add it to the table'] : []),
    ...(others > 0 ? [`${others} more values are in use: add them, or null for those that are none`] : []),
  ]
  const isItself = Object.entries(values).every(([from, to]) => from === to)
  return {
    written: isItself && others === 0 && !isAmbiguous ? column : { column, values },
    ...(comments.length > 0 && { comment: comments.join('; ') }),
  }
}

function dateOf(column: string, { format, isAmbiguous }: DateFormat): Omit<ProposedAttribute, 'attribute'> {
  if (format === null) return { written: column }
  const comment = 'the rows that were looked at do not tell day from month: see that this is right'
  return { written: { column, format }, ...(isAmbiguous && { comment }) }
}
