import type { Change, Relation } from '../model/change.ts'
import type { Mapped, PatientCode } from '../model/patient.ts'
import { type Row, type RowKey, rowKey } from '../model/row.ts'
import { type Content, codeOf, type StreamedChange } from '../pending/version.ts'
import type { PlacedChange } from '../source/transaction-reader.ts'

/** What of the mapping is needed to turn rows into patients. */
interface RowMapping {
  readonly columns: readonly string[]
  map(row: Row): Mapped
  codeOf(row: Row): PatientCode | null
}

/** The table has changed so that the mapping no longer fits: nothing may be sent until somebody mends one of them. */
export class SchemaChangedError extends Error {
  override readonly name = 'SchemaChangedError'
}

/** Bytes that a version occupies beside its payload. */
export const versionBytes = 900

/**
 * Turns a change into what the pending set takes in: one version, or two if the row's key changed (a delete of the old key
 * and an upsert of the new). @throws {SchemaChangedError} if a mapped column no longer comes.
 */
export function createChangeMapper(options: {
  readonly table: { readonly schema: string; readonly table: string }
  readonly keyColumns: readonly string[]
  readonly mapping: RowMapping
}): (placed: PlacedChange) => StreamedChange[] {
  const { table, keyColumns, mapping } = options
  const checked = new WeakMap<Relation, boolean>()
  const isOurs = (relation: Relation): boolean => {
    const known = checked.get(relation)
    if (known !== undefined) return known
    const ours = relation.table === table.table && relation.schema === table.schema
    if (ours) requireColumns(relation, [...keyColumns, ...mapping.columns])
    checked.set(relation, ours)
    return ours
  }
  return ({ change, position, xid, committedAtMs, bytes }) => {
    if (!isOurs(change.relation)) return []
    // Each property by name: a spread in front of others makes objects that V8 keeps as hash tables, which is slow.
    const version = (key: RowKey, content: Content, size: number): StreamedChange => {
      return { key, position, xid, committedAtMs, content, bytes: size }
    }
    if (change.operation === 'delete')
      return [version(rowKey(change.old, keyColumns), removedContent(change, mapping), versionBytes)]
    const key = rowKey(change.row, keyColumns)
    const upsert = version(key, toContent(mapping.map(change.row)), versionBytes + 2 * bytes)
    if (change.operation === 'insert' || !change.old) return [upsert]
    const oldKey = rowKey(change.old, keyColumns)
    if (oldKey === key) return [upsert]
    return [version(oldKey, removedContent(change, mapping), versionBytes), upsert]
  }
}

/** What a row's values weigh. */
export function textBytes(row: Row): number {
  let bytes = 0
  for (const value of row.values()) if (typeof value === 'string') bytes += value.length
  return bytes
}

/** A row's patient, or why it has none, as a version's content. */
export function toContent(mapped: Mapped): Content {
  switch (mapped.kind) {
    case 'left out':
      return { kind: 'removed', code: mapped.code, patient: null }
    case 'incomplete':
      return { kind: 'incomplete' }
    default:
      return mapped
  }
}

/** The code that a complete row gives. With a transform only the whole patient tells it. */
export function codeOfRow(row: Row, mapping: RowMapping): PatientCode | null {
  return mapping.codeOf(row) ?? codeOf(toContent(mapping.map(row)))
}

/** The code comes from the old row or its key; the patient only from a full old row, never from a key alone. */
function removedContent(change: Exclude<Change, { operation: 'insert' }>, mapping: RowMapping): Content {
  const { old } = change
  if (!old) return { kind: 'removed', code: null, patient: null }
  const mapped = change.relation.replicaIdentity === 'full' ? mapping.map(old) : null
  if (mapped?.kind === 'patient') return { kind: 'removed', code: mapped.patient.code, patient: mapped.patient }
  return { kind: 'removed', code: mapping.codeOf(old), patient: null }
}

function requireColumns(relation: Relation, columns: readonly string[]): void {
  const present = new Set(relation.columns.map(({ name }) => name))
  const missing = [...new Set(columns.filter((column) => !present.has(column)))]
  if (missing.length === 0) return
  throw new SchemaChangedError(
    `the table ${relation.schema}.${relation.table} no longer publishes ${missing.join(', ')}: mend the table, the publication, or mapping in the configuration`,
  )
}
