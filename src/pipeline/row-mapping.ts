import type { Mapped, PatientCode } from '../model/patient/patient.ts'
import type { Change, Relation } from '../model/source/change.ts'
import type { Lsn } from '../model/source/lsn.ts'
import { type Row, type RowKey, rowKey } from '../model/source/row.ts'
import { type Content, codeOf, versionBytes } from '../pending/entry/version.ts'
import type { TablePage, TableRead } from '../source/table/table-reader.ts'
import { SchemaChangedError } from '../startup/schema/schema-change.ts'
import { type ExpectedTable, relationFit } from '../startup/schema/streamed-relation.ts'
import type { MappedRead, MappedRow } from './core/events.ts'

/** A row that a change is about. */
export type ChangedRow = MappedRow & { readonly key: RowKey }

/** What of the mapping is needed to turn rows into patients. */
interface RowMapping {
  map(row: Row): Mapped
  codeOf(row: Row): PatientCode | null
}

/**
 * Turns a change into what the core takes in: one row, or two if the row's key changed (a delete of the old key and an upsert of the
 * new). @throws {SchemaChangedError} if it came under another shape of the table than was expected, unless that shape is history: the
 * source was looked at after `tolerated` was written, and a backfill was asked for. What a row's values meant by then is not known:
 * the row is read from the table.
 */
export function createChangeMapper(options: {
  readonly table: ExpectedTable
  readonly mapping: RowMapping
  /** Null: no other shape was met. */
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

/** A table read, mapped. */
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

/** What a row's values weigh. */
function textBytes(row: Row): number {
  let bytes = 0
  for (const value of row.values()) if (typeof value === 'string') bytes += value.length
  return bytes
}

/** A row's patient, or why it has none, as a version's content. @param knownCode the code that the row has though it is incomplete. */
function toContent(mapped: Mapped, knownCode: () => PatientCode | null): Content {
  switch (mapped.kind) {
    case 'left out':
      return { kind: 'removed', code: mapped.code, patient: null }
    case 'incomplete':
      return { kind: 'incomplete', code: knownCode() }
    default:
      return mapped
  }
}

/** The code that a complete row gives. With a transform only the whole patient tells it. */
export function codeOfRow(row: Row, mapping: RowMapping): PatientCode | null {
  return mapping.codeOf(row) ?? codeOf(toContent(mapping.map(row), () => null))
}

/** The code comes from the old row or its key; the patient only from a full old row, never from a key alone. */
function removedContent(change: Exclude<Change, { operation: 'insert' }>, mapping: RowMapping): Content {
  const { old } = change
  if (!old) return { kind: 'removed', code: null, patient: null }
  const mapped = change.relation.replicaIdentity === 'full' ? mapping.map(old) : null
  if (mapped?.kind === 'patient') return { kind: 'removed', code: mapped.patient.code, patient: mapped.patient }
  return { kind: 'removed', code: mapping.codeOf(old), patient: null }
}

/** The rows that a change under another shape names. Without the key's columns it names none: the pass finds what it did. */
function keysOf(change: Change, keyColumns: readonly string[]): RowKey[] {
  const rows =
    change.operation === 'insert' ? [change.row] : [change.old, change.operation === 'update' ? change.row : null]
  const whole = rows.filter((row) => row !== null && keyColumns.every((column) => typeof row.get(column) === 'string'))
  return [...new Set(whole.map((row) => rowKey(row ?? new Map(), keyColumns)))]
}
