import { ConnectorError } from '../model/failure/connector-error.ts'
import type { Relation } from '../model/source/change.ts'
import type { MessageReader } from './message-reader.ts'
import type { Positions } from './streamed-row.ts'

/** Names of the columns whose values are decoded; the values of other columns are skipped. */
export type Columns = ReadonlySet<string> | 'all'

/** A relation, and the selection of values that are decoded. */
export interface DescribedRelation extends Relation {
  /** Selection in a tuple of the whole row. */
  readonly whole: Selection
  /** Selection in a tuple of the key alone, which has a NULL in place of every other column. */
  readonly key: Selection
}

/** The values of a tuple that are decoded. */
export interface Selection {
  readonly positions: Positions
  /** For each column of the table: true if its value is decoded. */
  readonly selected: readonly boolean[]
}

const identities: Readonly<Record<string, Relation['replicaIdentity']>> = {
  d: 'default',
  n: 'nothing',
  f: 'full',
  i: 'index',
}

/** Reads a Relation message. @throws {ConnectorError} if two columns have the same name. */
export function readRelation(reader: MessageReader, decoded: Columns): DescribedRelation {
  const oid = reader.uint32()
  const schema = reader.cString()
  const table = reader.cString()
  const replicaIdentity = identities[String.fromCharCode(reader.uint8())]
  if (!replicaIdentity) throw reader.malformed()
  const columns: Relation['columns'][number][] = []
  for (let left = reader.uint16(); left > 0; left--) {
    const inIdentity = (reader.uint8() & 1) === 1
    const name = reader.cString()
    const typeOid = reader.uint32()
    reader.skip(4)
    columns.push({ name, typeOid, inIdentity })
  }
  reader.finish()
  if (new Set(columns.map(({ name }) => name)).size < columns.length)
    throw new ConnectorError('stream not understood', `${schema}.${table} was described with two columns of one name`)
  const isDecoded = (name: string) => decoded === 'all' || decoded.has(name)
  const whole = selection(columns, ({ name }) => isDecoded(name))
  const key = selection(columns, ({ name, inIdentity }) => inIdentity && isDecoded(name))
  return { oid, schema, table, replicaIdentity, columns, whole, key }
}

function selection(
  columns: Relation['columns'],
  isSelected: (column: Relation['columns'][number]) => boolean,
): Selection {
  const positions = new Map(columns.filter(isSelected).map(({ name }, position) => [name, position]))
  return { positions, selected: columns.map(isSelected) }
}
