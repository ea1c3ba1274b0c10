import type { PublicationFacts } from '../publication-facts.ts'
import type { SourceFacts } from '../source-facts.ts'
import { qualifiedName, quoteIdentifier } from '../sql-names.ts'
import type { Wanted } from '../wanted.ts'
import { type Finding, requirement } from './finding.ts'
import { createPublicationSql, publicationOptions, publishedTable, republishSql } from './publication-sql.ts'
import { judgePublishedFilter, judgeRowFilter } from './row-filter-requirements.ts'

/** Judges the publication, or the conditions for creating it. A sufficient one is used as it is. Pure. */
export function judgePublication(facts: SourceFacts, wanted: Wanted): Finding[] {
  return [
    ...judgeRowFilter(facts, wanted),
    ...(facts.publication ? existing(facts, facts.publication, wanted) : [missing(facts, wanted)]),
  ]
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

function content(facts: SourceFacts, publication: PublicationFacts, wanted: Wanted): Finding[] {
  const { columns } = publication
  const needed = [...new Set([...(facts.table?.keyColumns ?? []), ...wanted.columns])]
  const unpublished = columns.length === 0 ? [] : needed.filter((column) => !columns.includes(column))
  return [
    requirement({
      requirement: 'the publication has the mapped columns',
      met: unpublished.length === 0,
      found: 'all of them',
      lacking: `it leaves out ${unpublished.join(', ')}`,
      fix: republishSql(facts, publication, wanted),
    }),
    ...judgePublishedFilter(facts, publication, wanted),
  ]
}
