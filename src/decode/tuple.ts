import { ConnectorError } from '../model/failure/connector-error.ts'
import { type ColumnValue, type Row, unchanged } from '../model/source/row.ts'
import type { DescribedRelation, Selection } from './described-relation.ts'
import type { MessageReader } from './message-reader.ts'

/** Format of a value. PostgreSQL manual, "Logical Replication Message Formats", TupleData. */
export const format = { null: 0x6e, unchanged: 0x75, text: 0x74, binary: 0x62 } as const

/** The decoded values of a tuple, and the number of skipped bytes of other values. */
export interface Tuple {
  readonly values: ColumnValue[]
  readonly skippedBytes: number
}

/**
 * Reads a tuple. A tuple that is shorter than its table is an error: the patient would be sent without the rest.
 * @param old the old row or its key, if it came: it supplies unchanged out-of-line values. A NULL in it is a value that was not sent,
 * because only a value that is not NULL is stored out of line: the old row of a partition can contain its key alone.
 */
export function readTuple(
  reader: MessageReader,
  relation: DescribedRelation,
  { selected }: Selection,
  old?: Row,
): Tuple {
  const values: ColumnValue[] = []
  let skippedBytes = 0
  const count = reader.uint16()
  if (count > selected.length) throw reader.malformed()
  for (let column = 0; column < count; column++) {
    const isSelected = selected[column] === true
    switch (reader.uint8()) {
      case format.text: {
        const length = reader.int32()
        if (isSelected) {
          values.push(reader.text(length))
        } else {
          reader.skip(length)
          skippedBytes += length
        }
        break
      }
      case format.null:
        if (isSelected) values.push(null)
        break
      case format.unchanged:
        if (isSelected) {
          const value = old?.get(relation.columns[column]?.name ?? '')
          values.push(typeof value === 'string' ? value : unchanged)
        }
        break
      case format.binary: {
        if (isSelected)
          throw new ConnectorError(
            'stream not understood',
            `the column "${relation.columns[column]?.name}" did not come as text`,
          )
        const length = reader.int32()
        reader.skip(length)
        skippedBytes += length
        break
      }
      default:
        throw reader.malformed()
    }
  }
  if (count === selected.length) return { values, skippedBytes }
  const { schema, table } = relation
  throw new ConnectorError(
    'stream not understood',
    `a row of ${schema}.${table} came with ${count} of ${selected.length} columns`,
  )
}
