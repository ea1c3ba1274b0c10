import type { SourceFacts } from '../source-facts.ts'
import { qualifiedName, quoteIdentifier } from '../sql-names.ts'
import type { Wanted } from '../wanted.ts'
import { columnsRead } from './table-requirements.ts'

type Facts = Pick<SourceFacts, 'table' | 'serverVersionNumber'>

/** Column lists and row filters came with PostgreSQL 15, published generated columns with 18. */
export const narrowingVersion = 150_000
export const generatedVersion = 180_000

/** The statement that makes the publication. */
export function createPublicationSql(facts: Facts, wanted: Wanted): string {
  const options = ["publish = 'insert, update, delete, truncate'", ...publicationOptions(facts, wanted)]
  return `CREATE PUBLICATION ${quoteIdentifier(wanted.publication)} FOR TABLE ${publishedTable(facts, wanted)} WITH (${options.join(', ')});`
}

/** The table as it is to be published: only the columns that are read and only the rows that are wanted, where that can be said. */
export function publishedTable(facts: Facts, wanted: Wanted): string {
  const columns = publishedColumns(facts, wanted)
  const list = columns === null ? '' : ` (${columns.map(quoteIdentifier).join(', ')})`
  const filter = wanted.where === null ? '' : ` WHERE (${wanted.where})`
  return `${qualifiedName(wanted)}${list}${filter}`
}

/**
 * The columns to publish, those of the replica identity and of the row filter included; null: all of them. A full replica identity
 * is all of them, and so is a transform's row. PostgreSQL manual, "Column Lists".
 */
function publishedColumns({ table, serverVersionNumber }: Facts, wanted: Wanted): string[] | null {
  if (!table || serverVersionNumber < narrowingVersion || wanted.wholeRow || table.replicaIdentity === 'full')
    return null
  const read = columnsRead(table, wanted)
  return read.length === 0 ? null : read
}

/** What the publication must say beside its table. */
export function publicationOptions({ table, serverVersionNumber }: Facts, wanted: Wanted): string[] {
  const options: string[] = []
  if (table?.kind === 'partitioned') options.push('publish_via_partition_root = true')
  const generated = table?.columns.some(({ name, generated }) => generated !== null && wanted.columns.includes(name))
  if (generated && serverVersionNumber >= generatedVersion) options.push('publish_generated_columns = stored')
  return options
}
