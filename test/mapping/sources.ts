import type { AttributeSource } from '../../src/model/patient/mapping.ts'
import { fromColumn } from '../../src/model/patient/mapping.ts'
import type { Attribute } from '../../src/model/patient/patient.ts'
import type { ColumnValue, Row } from '../../src/model/source/row.ts'

/** Columns of the rows in these tests. */
export const columns = ['id', 'given', 'second', 'family', 'sex', 'dob', 'mail', 'tier', 'tax', 'tel', 'lang', 'extra']

/** Default of the setting. */
export const requiredAttributes: readonly Attribute[] = ['code', 'first_name', 'gender', 'birth_date']

/** Creates a source from one column with options. */
export function column(
  name: string,
  form: Partial<Extract<AttributeSource, { kind: 'columns' }>> = {},
): AttributeSource {
  return { ...plain, columns: [name], ...form }
}

/** Creates a source from joined columns. */
export function joined(names: readonly string[], separator = ' '): AttributeSource {
  return { ...plain, columns: names, separator }
}

/** Creates a source with the same value for every row. */
export function constant(value: string | null): AttributeSource {
  return { kind: 'constant', value, at: null }
}

const plain = { kind: 'columns', separator: ' ', values: null, format: null, fallback: null, at: null } as const

/** Mapping of all attributes, each from one column. */
export const wholeMapping = {
  code: fromColumn('id'),
  first_name: fromColumn('given'),
  last_name: fromColumn('family'),
  gender: fromColumn('sex'),
  birth_date: fromColumn('dob'),
  email: fromColumn('mail'),
  plan: fromColumn('tier'),
  tax_id: fromColumn('tax'),
  phone: fromColumn('tel'),
  locale: fromColumn('lang'),
  meta: fromColumn('extra'),
} satisfies Record<Attribute, AttributeSource>

/** Creates a row that is valid under `wholeMapping`, with some values changed. */
export function rowOf(values: Readonly<Record<string, ColumnValue>> = {}): Row {
  const nulls = columns.map((name): [string, ColumnValue] => [name, null])
  const valid = { id: '7', given: 'Ana', sex: 'female', dob: '1980-02-01' }
  return new Map([...nulls, ...Object.entries(valid), ...Object.entries(values)])
}
