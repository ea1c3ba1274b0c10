import type { AttributeSource } from '../model/patient/mapping.ts'
import type { Attribute } from '../model/patient/patient.ts'

/** A column's type, a domain's by its base: `type` as `format_type` writes it, which may quote it; `category` as `pg_type.typcategory`. */
export interface ColumnType {
  readonly typeOid: number
  readonly type: string
  readonly category: string
}

/** PostgreSQL's own types have fixed numbers: `pg_type.dat`. */
const dates = [1082, 1114, 1184]
const json = [114, 3802]
const bytea = 17
/** PostgreSQL manual, "pg_type", `typcategory`. What their text means only PostgreSQL knows. */
const opaqueCategories: Readonly<Record<string, string>> = {
  A: 'an array',
  C: 'a row of its own',
  G: 'a geometric value',
  P: 'a pseudo-type',
  R: 'a range',
}

/**
 * Why no value of the type can become the attribute, or null: what a single value does not fit is a matter of its row. A table
 * of values names texts as the server writes them, so that every type can be mapped by one.
 */
export function typeFault(
  attribute: Attribute,
  source: AttributeSource,
  { typeOid, type, category }: ColumnType,
): string | null {
  if (source.kind !== 'columns' || source.values !== null) return null
  if (attribute === 'meta') return json.includes(typeOid) || category === 'S' ? null : `is ${type}, and meta takes json`
  const opaque = typeOid === bytea ? 'binary' : json.includes(typeOid) ? 'an object' : opaqueCategories[category]
  if (opaque !== undefined) return `is ${type}: ${opaque}, which is no text to send`
  if (attribute !== 'birth_date') return null
  // A format reads texts and numbers such as 19800201.
  if (source.format !== null)
    return category === 'S' || category === 'N' ? null : `is ${type}: birth_date takes no format for it`
  return dates.includes(typeOid) || category === 'S' ? null : `is ${type}, and birth_date takes a date, or text`
}
