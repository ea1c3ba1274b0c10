import type { PublicationFacts } from '../publication-facts.ts'
import type { SourceFacts } from '../source-facts.ts'
import { qualifiedName } from '../sql-names.ts'
import type { Wanted } from '../wanted.ts'
import { columnsNamedIn } from './filter-columns.ts'
import { type Finding, requirement } from './finding.ts'
import { narrowingVersion, republishSql } from './publication-sql.ts'

/** Requirement on the row filter. A filter that reads columns outside of the replica identity would break updates of the table. */
export const filterReadsIdentity = 'the row filter reads the identity'

/** Judges whether the row filter can be published. Updates of the table fail if it reads a column that the old row does not contain. Pure. */
export function judgeRowFilter(facts: SourceFacts, wanted: Wanted): Finding[] {
  const { publication, table, serverVersionNumber, serverVersion } = facts
  const findings: Finding[] = []
  if (wanted.where !== null) {
    findings.push(
      requirement({
        requirement: 'row filters',
        met: serverVersionNumber >= narrowingVersion,
        found: `source.where is set, the server is ${serverVersion}`,
        fix: 'source.where needs PostgreSQL 15 or later: remove it',
      }),
    )
  }
  const filters = [publication?.rowFilter ?? null, wanted.where].filter((filter) => filter !== null)
  if (filters.length === 0 || !table || table.replicaIdentity === 'full') return findings
  const read = columnsNamedIn(
    filters.join(' '),
    table.columns.map(({ name }) => name),
  )
  const outside = read.filter((column) => !table.keyColumns.includes(column))
  const name = qualifiedName(wanted)
  findings.push(
    requirement({
      requirement: filterReadsIdentity,
      met: outside.length === 0,
      found: `the row filter reads ${read.join(', ') || 'no column'}`,
      lacking: `the row filter reads ${outside.join(', ')}, which the replica identity lacks; publishing it would break updates of ${name}`,
      fix: `ALTER TABLE ${name} REPLICA IDENTITY FULL; or REPLICA IDENTITY USING INDEX with a unique index that has it; or leave the rows out with a transform`,
    }),
  )
  return findings
}

/** Judges whether the publication has the row filter of the settings, or can be given it. Pure. */
export function judgePublishedFilter(facts: SourceFacts, publication: PublicationFacts, wanted: Wanted): Finding[] {
  const { rowFilter, filterFit } = publication
  if (wanted.where === null && rowFilter === null) return []
  const what = 'the publication filters the rows'
  if (filterFit.kind === 'unusable') {
    const detail = `source.where is not a condition on ${qualifiedName(wanted)} (SQLSTATE ${filterFit.sqlstate})`
    return [{ requirement: what, met: false, detail, fix: 'correct source.where' }]
  }
  const published = rowFilter === null ? 'no row filter' : `the row filter ${rowFilter}`
  const configured = wanted.where === null ? 'source.where is not set' : `source.where is ${wanted.where}`
  const isSame = filterFit.kind === 'same'
  return [
    requirement({
      requirement: what,
      met: isSame || mayAlterFilter(facts, publication),
      found: isSame
        ? `its row filter is ${rowFilter}`
        : `${wanted.publication} has ${published}, ${configured}: the connector will alter it, and read the table`,
      lacking: `${configured}, and ${wanted.publication} has ${published}: correct source.where, or the publication`,
      fix: publication.isOfMany
        ? 'a publication of all tables, or of a schema, has no row filter: create one of this table alone, set source.publication to it, and run "mediquo-cdc adopt"'
        : republishSql(facts, publication, wanted),
    }),
  ]
}

/** Returns true if the connector may give the publication another row filter: it is its own, of this table alone. Pure. */
function mayAlterFilter({ table }: SourceFacts, { isOurs, isOfMany }: PublicationFacts): boolean {
  return isOurs && !isOfMany && table?.isOwner === true
}
