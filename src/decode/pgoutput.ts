import type { Change, Relation, WalEvent } from '../model/change.ts'
import { parseLsn } from '../model/lsn.ts'
import { type ColumnValue, type Row, unchanged } from '../model/row.ts'
import { type Positions, StreamedRow } from './streamed-row.ts'

/** What the pgoutput parser gives, with column values as the server's text: null for NULL, undefined for an unchanged out-of-line value. */
export type PgoutputMessage =
  | { readonly tag: 'begin'; readonly commitLsn: string | null; readonly commitTime: unknown; readonly xid: number }
  | { readonly tag: 'commit'; readonly commitEndLsn: string | null }
  | { readonly tag: 'relation' | 'type' | 'origin' | 'message' }
  | { readonly tag: 'insert'; readonly relation: PgoutputRelation; readonly new: Tuple }
  | {
      readonly tag: 'update'
      readonly relation: PgoutputRelation
      readonly key: Tuple | null
      readonly old: Tuple | null
      readonly new: Tuple
    }
  | {
      readonly tag: 'delete'
      readonly relation: PgoutputRelation
      readonly key: Tuple | null
      readonly old: Tuple | null
    }
  | { readonly tag: 'truncate'; readonly relations: readonly (PgoutputRelation | undefined)[] }

export interface PgoutputRelation {
  readonly relationOid: number
  readonly schema: string
  readonly name: string
  readonly replicaIdentity: Relation['replicaIdentity']
  readonly columns: readonly { readonly name: string; readonly flags: number; readonly typeOid: number }[]
}
/** With where its columns stand in a row. */
type Described = Relation & { readonly positions: Positions }
type Tuple = Readonly<Record<string, unknown>>

/** The stream carries something that this version does not understand: it must not be passed over. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}

/**
 * Turns pgoutput's messages into WAL events; null for those that say nothing about rows.
 * PostgreSQL manual, "Logical Replication Message Formats". @throws {DecodeError}
 */
export function createDecoder(): (message: PgoutputMessage, bytes: number) => WalEvent | null {
  const relations = new WeakMap<PgoutputRelation, Described>()
  const relationOf = (message: PgoutputRelation): Described => {
    const known = relations.get(message)
    if (known) return known
    const relation = describe(message)
    relations.set(message, relation)
    return relation
  }
  return (message, bytes) => {
    switch (message.tag) {
      case 'begin':
        return {
          kind: 'begin',
          commitLsn: position(message.commitLsn, 'a transaction without a commit position'),
          xid: message.xid,
          committedAtMs: epochMs(message.commitTime),
        }
      case 'commit':
        return { kind: 'commit', commitEndLsn: position(message.commitEndLsn, 'a commit without an end position') }
      case 'insert':
      case 'update':
      case 'delete':
        return { kind: 'change', change: decodeChange(message, relationOf(message.relation)), bytes }
      case 'truncate':
        return { kind: 'truncate', relations: message.relations.map((truncated) => relationOf(described(truncated))) }
      default:
        return null
    }
  }
}

function decodeChange(
  message: Extract<PgoutputMessage, { tag: 'insert' | 'update' | 'delete' }>,
  relation: Described,
): Change {
  if (message.tag === 'insert') return { operation: 'insert', relation, row: wholeRow(message.new, relation) }
  const old = message.old ? wholeRow(message.old, relation) : message.key ? keyRow(message.key, relation) : null
  if (message.tag === 'update') return { operation: 'update', relation, row: wholeRow(message.new, relation), old }
  if (!old) throw new DecodeError(`a delete from ${relation.schema}.${relation.table} carries no old row and no key`)
  return { operation: 'delete', relation, old }
}

/** A tuple that says something of every column: a shorter one taken for a row would be a patient without the rest. */
function wholeRow(tuple: Tuple, { columns, positions, schema, table }: Described): Row {
  const values: ColumnValue[] = []
  // By the relation's columns: to list the tuple's own keys costs more than all the rest of it.
  for (const { name } of columns) {
    const value = columnValue(tuple, name)
    if (value !== undefined) values.push(value)
  }
  if (values.length === columns.length) return new StreamedRow(positions, values)
  throw new DecodeError(`a row of ${schema}.${table} came with ${values.length} of ${columns.length} columns`)
}

/** Only the key's columns are in the tuple. */
function keyRow(tuple: Tuple, { columns }: Relation): Row {
  const values = new Map<string, ColumnValue>()
  for (const { name } of columns) {
    const value = columnValue(tuple, name)
    if (value !== undefined) values.set(name, value)
  }
  return values
}

/** Undefined for a column that is not in the tuple. */
function columnValue(tuple: Tuple, column: string): ColumnValue | undefined {
  const value = tuple[column]
  if (typeof value === 'string' || value === null) return value
  if (value !== undefined) throw new DecodeError(`the column "${column}" did not come as text`)
  return column in tuple ? unchanged : undefined
}

function described(relation: PgoutputRelation | undefined): PgoutputRelation {
  if (!relation) throw new DecodeError('a TRUNCATE of a table that was not described')
  return relation
}

function describe(message: PgoutputRelation): Described {
  const { schema, name: table } = message
  const positions = new Map(message.columns.map(({ name }, position) => [name, position]))
  if (positions.size < message.columns.length)
    throw new DecodeError(`${schema}.${table} was described with two columns of one name`)
  return {
    oid: unsigned(message.relationOid),
    schema,
    table,
    replicaIdentity: message.replicaIdentity,
    columns: message.columns.map(({ name, typeOid, flags }) => ({
      name,
      typeOid: unsigned(typeOid),
      inIdentity: (flags & 1) === 1,
    })),
    positions,
  }
}

/** An object id as the catalogs write it: the library reads its 32 bits as a signed number. */
function unsigned(oid: number): number {
  return oid >>> 0
}

/** From microseconds of the epoch. A time that no calendar has could not be shown either. */
function epochMs(commitTime: unknown): number {
  const ms = Math.floor(Number(commitTime) / 1000)
  if (Number.isNaN(new Date(ms).getTime())) throw new DecodeError('a transaction that was committed at no time')
  return ms
}

function position(text: string | null, problem: string) {
  if (text === null) throw new DecodeError(problem)
  return parseLsn(text)
}
