import type { PublicationFacts, SourceFacts } from '../source-facts.ts'
import { qualifiedName, quoteIdentifier } from '../sql-names.ts'
import type { Wanted } from '../wanted.ts'
import { columnsNamedIn } from './filter-columns.ts'
import { type Finding, requirement } from './finding.ts'
import { createPublicationSql, narrowingVersion, publicationOptions, publishedTable } from './publication-sql.ts'

/** Requirement on the row filter. A filter that reads columns outside of the replica identity would break updates of the table. */
export const filterReadsIdentity = 'the row filter reads the identity'

/** Judges the publication, or the conditions for creating it. A sufficient one is used as it is. Pure. */
export function judgePublication(facts: SourceFacts, wanted: Wanted): Finding[] {
  return [
    ...rowFilter(facts, wanted),
    ...(facts.publication ? existing(facts, facts.publication, wanted) : [missing(facts, wanted)]),
  ]
}

/** Updates of a published table fail if the row filter reads a column that the old row does not contain. */
function rowFilter({ publication, table, serverVersionNumber, serverVersion }: SourceFacts, wanted: Wanted): Finding[] {
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
  const filter = publication ? publication.rowFilter : wanted.where
  if (filter === null || !table || table.replicaIdentity === 'full') return findings
  const read = columnsNamedIn(
    filter,
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

function missing(facts: SourceFacts, wanted: Wanted): Finding {
  return requirement({
    requirement: 'the publication',
    met: facts.mayCreatePublication && (facts.table?.isOwner ?? true),
    found: `${wanted.publication} will be made`,
    lacking: `${wanted.publication} does not exist and ${facts.user} may not make it`,
    fix: createPublicationSql(facts, wanted),
  })
}

function existing(facts: SourceFacts, publication: PublicationFacts, wanted: Wanted): Finding[] {
  const name = quoteIdentifier(wanted.publication)
  const table = qualifiedName(wanted)
  const options = publicationOptions(facts, wanted)
  const findings = [
    requirement({
      requirement: 'the publication has every operation',
      met: publication.operations.length === 3,
      found: 'insert, update, delete',
      lacking: `only ${publication.operations.join(', ') || 'none'}`,
      fix: `ALTER PUBLICATION ${name} SET (publish = 'insert, update, delete, truncate');`,
    }),
  ]
  if (facts.table?.kind === 'partitioned') {
    findings.push(
      requirement({
        requirement: 'the publication names the root of partitions',
        met: publication.viaRoot,
        found: 'publish_via_partition_root is set',
        lacking: `${wanted.publication} publishes partitions under their own names`,
        fix: `ALTER PUBLICATION ${name} SET (${options.join(', ')});`,
      }),
    )
  }
  // A table that is published only under the names of its partitions has its own finding above.
  const has = publication.containsTable || publication.listsTable
  findings.push(
    requirement({
      requirement: 'the publication has the table',
      met: has,
      found: `${wanted.publication} has ${table}`,
      lacking: `${wanted.publication} does not have ${table}`,
      fix: `ALTER PUBLICATION ${name} ADD TABLE ${publishedTable(facts, wanted)};`,
    }),
  )
  if (publication.containsTable) findings.push(...content(facts, publication, wanted))
  return findings
}

function content(facts: SourceFacts, { columns, rowFilter }: PublicationFacts, wanted: Wanted): Finding[] {
  const narrowed = `ALTER PUBLICATION ${quoteIdentifier(wanted.publication)} SET TABLE ${publishedTable(facts, wanted)};`
  const needed = [...new Set([...(facts.table?.keyColumns ?? []), ...wanted.columns])]
  const unpublished = columns.length === 0 ? [] : needed.filter((column) => !columns.includes(column))
  const findings = [
    requirement({
      requirement: 'the publication has the mapped columns',
      met: unpublished.length === 0,
      found: 'all of them',
      lacking: `it leaves out ${unpublished.join(', ')}`,
      fix: narrowed,
    }),
  ]
  if (wanted.where !== null) {
    findings.push(
      requirement({
        requirement: 'the publication filters the rows',
        met: rowFilter !== null,
        found: `its row filter is ${rowFilter}`,
        lacking: `source.where is set, and ${wanted.publication} has no row filter`,
        fix: narrowed,
      }),
    )
  }
  return findings
}
