import type { PublicationFacts } from '../publication-facts.ts'
import type { SourceFacts } from '../source-facts.ts'
import { qualifiedName, quoteIdentifier } from '../sql-names.ts'
import type { Wanted } from '../wanted.ts'
import { columnsRead } from './table-requirements.ts'

type Facts = Pick<SourceFacts, 'table' | 'serverVersionNumber'>

/** PostgreSQL 15 introduced column lists and row filters, PostgreSQL 18 published generated columns. */
export const narrowingVersion = 150_000
export const generatedVersion = 180_000

const publishesAll = "publish = 'insert, update, delete, truncate'"

/** Returns the statement that creates the publication. */
export function createPublicationSql(facts: Facts, wanted: Wanted): string {
  const options = [publishesAll, ...publicationOptions(facts, wanted)]
  return `CREATE PUBLICATION ${quoteIdentifier(wanted.publication)} FOR TABLE ${publishedTable(facts, wanted)} WITH (${options.join(', ')});`
}

/** Returns the statements that make the existing publication as a new one would be. Pure. */
export function fittingStatements(facts: Facts, wanted: Wanted): string[] {
  const name = quoteIdentifier(wanted.publication)
  const options = [publishesAll, ...publicationOptions(facts, wanted)]
  return [
    `ALTER PUBLICATION ${name} SET TABLE ${publishedTable(facts, wanted)};`,
    `ALTER PUBLICATION ${name} SET (${options.join(', ')});`,
  ]
}

/** Returns the statement that ends the publication of updates and deletes. */
export function stopStatement(publication: string): string {
  return `ALTER PUBLICATION ${quoteIdentifier(publication)} SET (publish = 'insert, truncate');`
}

/** Returns the statement that publishes the table with the needed columns and rows. Other tables of the publication stay in it. */
export function republishSql(facts: Facts, publication: PublicationFacts, wanted: Wanted): string {
  const name = quoteIdentifier(wanted.publication)
  const table = publishedTable(facts, wanted)
  return publication.isOfTableAlone
    ? `ALTER PUBLICATION ${name} SET TABLE ${table};`
    : `ALTER PUBLICATION ${name} DROP TABLE ${qualifiedName(wanted)}; ALTER PUBLICATION ${name} ADD TABLE ${table};`
}

/** Returns the table for CREATE PUBLICATION. Where the version allows it, it lists only the columns and rows that are needed. */
export function publishedTable(facts: Facts, wanted: Wanted): string {
  const { table } = facts
  const columns = publishedColumns(facts, wanted)
  const list = columns === null ? '' : ` (${columns.map(quoteIdentifier).join(', ')})`
  const filter = wanted.where === null ? '' : ` WHERE (${wanted.where})`
  // Child tables are read as tables of their own, and their replica identities are theirs.
  const only = table?.kind === 'table' ? 'ONLY ' : ''
  return `${only}${qualifiedName(wanted)}${list}${filter}`
}

/**
 * Returns the columns to publish, with those of the replica identity and of the row filter; null: all of them. A full replica identity and
 * a transform need every column. PostgreSQL manual, "Column Lists".
 */
function publishedColumns({ table, serverVersionNumber }: Facts, wanted: Wanted): string[] | null {
  if (!table || serverVersionNumber < narrowingVersion || wanted.wholeRow || table.hasFullIdentity) return null
  const read = columnsRead(table, wanted)
  return read.length === 0 ? null : read
}

/** Returns the options of the publication that the table needs. */
export function publicationOptions({ table, serverVersionNumber }: Facts, wanted: Wanted): string[] {
  const options: string[] = []
  if (table?.kind === 'partitioned') options.push('publish_via_partition_root = true')
  // PostgreSQL 18 refuses updates of a full replica identity with generated columns that are not published.
  const generated = table?.columns.some(
    ({ name, generated }) => generated === 'stored' && (table.hasFullIdentity || wanted.columns.includes(name)),
  )
  if (generated && serverVersionNumber >= generatedVersion) options.push('publish_generated_columns = stored')
  return options
}
