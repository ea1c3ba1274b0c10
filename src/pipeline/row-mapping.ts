import type { Mapped, PatientCode } from '../model/patient/patient.ts'
import type { Change, Relation } from '../model/source/change.ts'
import type { Lsn } from '../model/source/lsn.ts'
import { type Row, type RowKey, rowKey } from '../model/source/row.ts'
import { type Content, codeOf, versionBytes } from '../pending/entry/version.ts'
import type { TablePage, TableRead } from '../source/table/table-reader.ts'
import { SchemaChangedError } from '../startup/schema/schema-change.ts'
import { type ExpectedTable, relationFit } from '../startup/schema/streamed-relation.ts'
import type { MappedRead, MappedRow } from './core/events.ts'

/** A row that a change affects, mapped. */
export type ChangedRow = MappedRow & { readonly key: RowKey }

/** Part of the mapping that turns rows into patients. */
interface RowMapping {
  map(row: Row): Mapped
  codeOf(row: Row): PatientCode | null
}

/**
 * Returns a function that turns a change into rows for the core: one row, or two if the key changed (a delete of the old key and an
 * upsert of the new). @throws {SchemaChangedError} if the change has another table schema than expected. A change up to `tolerated`
 * with another schema is not an error: the source was checked after that position was written, and a backfill is requested. The
 * meaning of its values is unknown, so its rows are read from the table.
 */
export function createChangeMapper(options: {
  readonly table: ExpectedTable
  readonly mapping: RowMapping
  /** Position up to which another table schema is accepted; null if none was found. */
  readonly tolerated: Lsn | null
}): (change: Change, commitLsn: Lsn, bytes: number) => ChangedRow[] {
  const { table, mapping, tolerated } = options
  const { keyColumns } = table
  const checked = new WeakMap<Relation, ReturnType<typeof relationFit>>()
  const fitOf = (relation: Relation): ReturnType<typeof relationFit> => {
    const fit = checked.get(relation) ?? relationFit(relation, table)
    checked.set(relation, fit)
    return fit
  }
  return (change, commitLsn, bytes) => {
    const fit = fitOf(change.relation)
    if (fit === 'other') return []
    if (fit !== 'ours') {
      if (tolerated === null || commitLsn > tolerated) throw new SchemaChangedError(fit.sentence, { inStream: true })
      const content: Content = { kind: 'incomplete', code: null }
      return keysOf(change, keyColumns).map((key) => ({ key, content, bytes: versionBytes }))
    }
    if (change.operation === 'delete')
      return [{ key: rowKey(change.old, keyColumns), content: removedContent(change, mapping), bytes: versionBytes }]
    const key = rowKey(change.row, keyColumns)
    const content = toContent(mapping.map(change.row), () => mapping.codeOf(change.row))
    const upsert = { key, content, bytes: versionBytes + 2 * bytes }
    if (change.operation === 'insert' || !change.old) return [upsert]
    const oldKey = rowKey(change.old, keyColumns)
    if (oldKey === key) return [upsert]
    return [{ key: oldKey, content: removedContent(change, mapping), bytes: versionBytes }, upsert]
  }
}

/** Maps a table read. */
export function mapRead(
  found: TableRead & Partial<TablePage>,
  mapping: RowMapping,
  times: Pick<MappedRead, 'readAtMs' | 'tookMs'>,
): MappedRead {
  const { snapshot, endLsn, containsLsn, leftOut, last = null, isLast = false } = found
  let valueBytes = 0
  const rows = new Map<RowKey, MappedRow>()
  for (const [key, row] of found.rows) {
    const size = textBytes(row)
    valueBytes += size
    rows.set(key, {
      content: toContent(mapping.map(row), () => mapping.codeOf(row)),
      bytes: versionBytes + 2 * size,
    })
  }
  const page = leftOut ? { leftOut, last, isLast } : null
  return { snapshot, endLsn, containsLsn, rows, page, valueBytes, ...times }
}

/** Returns the approximate size of a row's values, bytes. */
function textBytes(row: Row): number {
  let bytes = 0
  for (const value of row.values()) if (typeof value === 'string') bytes += value.length
  return bytes
}

/** Returns a row's patient, or the reason why it has none, as the content of a version. @param knownCode code of an incomplete row. */
function toContent(mapped: Mapped, knownCode: () => PatientCode | null): Content {
  switch (mapped.kind) {
    case 'left out':
      return { kind: 'removed', code: mapped.code, patient: null }
    case 'incomplete':
      return { kind: 'incomplete', code: knownCode() }
    case 'patient':
    case 'invalid':
      return mapped
  }
}

/** Returns the code of a complete row. With a transform only the whole patient gives it. */
export function codeOfRow(row: Row, mapping: RowMapping): PatientCode | null {
  return mapping.codeOf(row) ?? codeOf(toContent(mapping.map(row), () => null))
}

/** Takes the code from the old row or its key, and the patient only from a full old row, never from a key alone. */
function removedContent(change: Exclude<Change, { operation: 'insert' }>, mapping: RowMapping): Content {
  const { old } = change
  if (!old) return { kind: 'removed', code: null, patient: null }
  const mapped = change.relation.replicaIdentity === 'full' ? mapping.map(old) : null
  if (mapped?.kind === 'patient') return { kind: 'removed', code: mapped.patient.code, patient: mapped.patient }
  return { kind: 'removed', code: mapping.codeOf(old), patient: null }
}

/** Returns the rows that a change with another table schema names. Without the key columns it names none: the backfill finds the change. */
function keysOf(change: Change, keyColumns: readonly string[]): RowKey[] {
  const rows =
    change.operation === 'insert' ? [change.row] : [change.old, change.operation === 'update' ? change.row : null]
  const whole = rows.filter((row) => row !== null && keyColumns.every((column) => typeof row.get(column) === 'string'))
  return [...new Set(whole.map((row) => rowKey(row ?? new Map(), keyColumns)))]
}
