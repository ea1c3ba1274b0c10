import type { AttributeSource } from '../model/patient/mapping.ts'
import { type Attribute, isOfKind } from '../model/patient/patient.ts'

/**
 * Type of a column, or the base type of its domain: `type` as `format_type` writes it, possibly quoted; `category` as
 * `pg_type.typcategory`.
 */
export interface ColumnType {
  readonly typeOid: number
  readonly type: string
  readonly category: string
}

/** Object ids of built-in types, which are fixed: `pg_type.dat`. */
const dates = [1082, 1114, 1184]
const json = [114, 3802]
const bytea = 17
const character = 1042
/** Categories whose text only PostgreSQL understands. PostgreSQL manual, "pg_type", `typcategory`. */
const opaqueCategories: Readonly<Record<string, string>> = {
  A: 'an array',
  C: 'a row of its own',
  G: 'a geometric value',
  P: 'a pseudo-type',
  R: 'a range',
}

/** Returns true for character(n), whose texts PostgreSQL pads with spaces. A domain has the type that it is made of. */
export function isPadded({ typeOid }: Pick<ColumnType, 'typeOid'>): boolean {
  return typeOid === character
}

/**
 * Returns the reason why no value of the type fits the attribute, or null. Single values are checked with their rows. A value table lists
 * texts as the server writes them, so that it works with every type.
 */
export function typeFault(
  attribute: Attribute,
  source: AttributeSource,
  { typeOid, type, category }: ColumnType,
): string | null {
  if (source.kind !== 'columns' || source.values !== null) return null
  if (isOfKind(attribute, 'object'))
    return json.includes(typeOid) || category === 'S' ? null : `is ${type}, and ${attribute} takes json`
  const opaque = typeOid === bytea ? 'binary' : json.includes(typeOid) ? 'an object' : opaqueCategories[category]
  if (opaque !== undefined) return `is ${type}: ${opaque}, which is no text to send`
  if (!isOfKind(attribute, 'date')) return null
  // A format reads texts, and numbers such as 19800201.
  if (source.format !== null)
    return category === 'S' || category === 'N' ? null : `is ${type}: ${attribute} takes no format for it`
  return dates.includes(typeOid) || category === 'S' ? null : `is ${type}, and ${attribute} takes a date, or text`
}
