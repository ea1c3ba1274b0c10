import { DatabaseError, type Pool } from 'pg'
import { sqlstate } from '../../model/failure/sqlstate.ts'
import { compareTableSchemas, type Doubt } from '../../model/source/table-schema.ts'
import type { Xid } from '../../model/source/visibility.ts'
import { quoteIdentifier } from '../sql-names.ts'
import { queryWithin } from './query-within.ts'
import type { CatalogTableSchema } from './table-schema.ts'

/** A difference after which the table is read again. `rows replaced`: TRUNCATE of a partition, or a rewrite that the stream has not shown. */
export interface TableAlteration {
  readonly kind: 'altered' | 'rows replaced'
  readonly what: string
}

/** Two schemas of a table, and the id of the transaction whose TRUNCATE of the table the stream has brought last. */
export interface ComparedSchemas {
  readonly before: CatalogTableSchema
  readonly after: CatalogTableSchema
  readonly streamedTruncate?: Xid | null
}

/** Time for a question about rows, milliseconds. Without an answer by then the table is read. */
const answerMs = 10_000
/** Distance at which ids of 32 bits are still in order. */
const maxDistance = 2_000_000_000n

/**
 * Returns the relevant difference between two schemas of a table; null if there is none. Of a file that was replaced, a row from before
 * tells that rows were moved as they are (VACUUM FULL, CLUSTER, another tablespace): TRUNCATE and a rewrite leave none. Of a partition
 * that was attached, a row tells that rows may have come with it.
 */
export async function findAlteration(
  pool: Pool,
  name: { readonly schema: string; readonly table: string },
  { before, after, streamedTruncate = null }: ComparedSchemas,
): Promise<TableAlteration | null> {
  const { alteration, doubts } = compareTableSchemas(before, after)
  const truncatedBy = streamedTruncate === null ? null : String(BigInt.asUintN(32, streamedTruncate))
  if (alteration !== null) return { kind: 'altered', what: alteration }
  for (const doubt of doubts) {
    // The TRUNCATE of a partitioned table replaces the files of its partitions.
    if (doubt.question === 'kept rows' && after.storage[doubt.table]?.writtenBy === truncatedBy) continue
    const isMet = await hasRow(pool, name, doubt, { isPartition: doubt.table !== after.table, before, after })
    if (doubt.question === 'has rows' && isMet !== false)
      return { kind: 'altered', what: 'partitions were attached or detached' }
    if (doubt.question === 'kept rows' && isMet !== true)
      return { kind: 'rows replaced', what: 'its rows were replaced without a change in the stream' }
  }
  return null
}

/** Returns true if the table has a row, for `kept rows` one from before; null if that cannot be told. */
async function hasRow(
  pool: Pool,
  { schema, table }: { readonly schema: string; readonly table: string },
  { table: oid, question }: Doubt,
  {
    isPartition,
    before,
    after,
  }: { readonly isPartition: boolean; readonly before: CatalogTableSchema; readonly after: CatalogTableSchema },
): Promise<boolean | null> {
  const conditions: string[] = []
  if (isPartition) {
    // By the partitioned table: the connector may read that, and possibly not its partitions. The bounds spare the other partitions.
    const { rows } = await pool.query<{ bounds: string | null }>(
      'select pg_get_partition_constraintdef($1::oid) as bounds',
      [oid],
    )
    conditions.push(`tableoid = ${Number(oid)}`, rows[0]?.bounds ?? 'true')
  }
  if (question === 'kept rows') {
    if (BigInt(after.xmin) - BigInt(before.xmin) > maxDistance) return null
    const low = BigInt.asUintN(32, BigInt(before.xmin))
    conditions.push(`age(xmin) > age('${low}'::xid)`)
  }
  const where = conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''
  const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
  try {
    const found = await queryWithin(
      pool,
      answerMs,
      `select exists (select from ${isPartition ? '' : 'only '}${name} ${where})::text`,
    )
    return found === null ? null : found[0]?.[0] === 'true'
  } catch (error) {
    if (error instanceof DatabaseError && error.code === sqlstate.insufficientPrivilege) return null
    throw error
  }
}
