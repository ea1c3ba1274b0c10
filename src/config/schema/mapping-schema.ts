import { z } from 'zod'
import type { AttributeSource, Mapping } from '../../model/patient/mapping.ts'
import { type Attribute, attributes } from '../../model/patient/patient.ts'

const quoted = 'must be text (put a number, yes or no in quotes)'
const column = z.string('must be a column name').min(1, 'must be a column name')

/** Keys of an attribute's written form. `faultOf` checks their combinations. */
export const attributeKeys = ['column', 'columns', 'separator', 'values', 'format', 'default', 'constant'] as const

const written = z.strictObject({
  column: column.optional(),
  columns: z.array(column, 'must be a list of column names').min(1, 'must be a list of column names').optional(),
  separator: z.string(quoted).optional(),
  values: z.record(z.string(), z.nullable(z.string(quoted)), 'must be a table of values').optional(),
  format: z.string(quoted).optional(),
  default: z.nullable(z.string(quoted)).optional(),
  constant: z.nullable(z.string(quoted)).optional(),
} satisfies Record<(typeof attributeKeys)[number], z.ZodType>)

type Written = z.output<typeof written>

const attributeSchema = z.preprocess(
  (value) => (typeof value === 'string' ? { column: value } : value),
  written.transform((form, context): AttributeSource => {
    const fault = faultOf(form)
    if (fault !== null) context.addIssue(fault)
    if (form.constant !== undefined) return { kind: 'constant', value: form.constant, at: null }
    return {
      kind: 'columns',
      columns: form.columns ?? [form.column ?? ''],
      separator: form.separator ?? ' ',
      values: form.values ?? null,
      format: form.format ?? null,
      fallback: form.default ?? null,
      at: null,
    }
  }),
)

/** Returns the fault of keys that exclude each other, or null. */
function faultOf(form: Written): string | null {
  const { column, columns, separator, values, format, constant, default: fallback } = form
  const sources = [column, columns, constant].filter((source) => source !== undefined)
  if (sources.length !== 1) return 'must have exactly one of: column, columns, constant'
  const rest = [separator, values, format, fallback].some((key) => key !== undefined)
  if (constant !== undefined && rest) return 'a constant takes no other key'
  if (columns !== undefined && (values !== undefined || format !== undefined))
    return 'values and format need one column'
  if (column !== undefined && separator !== undefined) return 'a separator needs columns'
  if (values !== undefined && format !== undefined) return 'must not have both values and format'
  return null
}

const byAttribute = Object.fromEntries(attributes.map((attribute) => [attribute, attributeSchema.optional()]))

/** Mapping as written, converted to the source of each attribute. Null or absent: columns of the same name. */
export const mappingSchema = z.preprocess(
  (value) => value ?? null,
  z.nullable(z.strictObject(byAttribute).transform(mappingOf)),
)

function mappingOf(found: Readonly<Record<string, AttributeSource | undefined>>): Mapping {
  const mapping: Partial<Record<Attribute, AttributeSource>> = {}
  for (const attribute of attributes) {
    const source = found[attribute]
    if (source !== undefined) mapping[attribute] = source
  }
  return mapping
}
