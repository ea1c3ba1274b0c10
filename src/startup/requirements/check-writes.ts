import type { Pool } from 'pg'
import { problemText } from '../../model/problem/problem-text.ts'
import { describeConnectionFailure } from '../../source/connection/connection-failure.ts'
import { type Finding, requirement, warning } from '../../source/requirements/finding.ts'
import { fittingStatements } from '../../source/requirements/publication-sql.ts'
import { publicationStatements } from '../../source/requirements/setup-statements.ts'
import type { SourceFacts } from '../../source/source-facts.ts'
import { qualifiedName } from '../../source/sql-names.ts'
import { readChildTables } from '../../source/table/child-tables.ts'
import type { Wanted } from '../../source/wanted.ts'
import { type Publishing, rehearse } from '../../source/writes/publish.ts'
import {
  describeRefusedWrite,
  inOneLine,
  refusedWriteFix,
  serverTextOf,
  type WritesAnswer,
} from '../../source/writes/refused-write.ts'

const what = 'the application can update and delete'

/** Returns the publication of the table, with the statements that are missing for it. */
export function publishingOf(facts: SourceFacts, wanted: Wanted): Publishing {
  const { schema, table, publication } = wanted
  // We publish neither updates nor deletes of a table that cannot be published as it is.
  const isStopped = facts.publication?.isOurs && facts.publication.operations.length < 3
  const statements = isStopped
    ? fittingStatements(facts, wanted)
    : publicationStatements(facts, wanted).map(({ sql }) => sql)
  return { schema, table, publication, statements }
}

/**
 * Asks the server, in a transaction that is rolled back, whether the application can update and delete while the table is published. Null:
 * there is nothing to ask about.
 */
export async function checkWrites(pool: Pool, facts: SourceFacts, wanted: Wanted): Promise<Finding | null> {
  const { table, publication } = facts
  if (!table) return null
  // Without the right to create the publication, another finding says so.
  if (!publication && !(facts.mayCreatePublication && table.isOwner)) return null
  return findingOf(await rehearse(pool, publishingOf(facts, wanted)), wanted)
}

/** Warns about child tables: they are not published with the table, and are not read. Null: it has none. */
export async function checkChildTables(pool: Pool, wanted: Wanted): Promise<Finding | null> {
  const children = await readChildTables(pool, wanted)
  if (children.length === 0) return null
  const parent = qualifiedName(wanted)
  const { detail, fix, commands } = problemText({ kind: 'child tables', facts: { children, parent } })
  return warning({
    requirement: 'the table has all rows itself',
    met: false,
    found: detail,
    fix: `${commands.join(' ')} ${fix}`,
  })
}

/** Renders the answer of the server as a finding. Pure. */
export function findingOf(answer: WritesAnswer, { publication }: Pick<Wanted, 'publication'>): Finding {
  switch (answer.kind) {
    case 'accepted':
      return requirement({ requirement: what, met: true, found: `also while ${publication} has the table`, fix: null })
    case 'refused': {
      const { write } = answer
      const detail = describeRefusedWrite(write)
      return requirement({ requirement: what, met: false, found: detail, fix: refusedWriteFix(write) })
    }
    case 'not publishable': {
      const found = `PostgreSQL refuses the publication ${publication}: ${inOneLine(serverTextOf(answer.error))}`
      return requirement({ requirement: what, met: false, found, fix: null })
    }
    case 'unanswered': {
      const found = `PostgreSQL could not be asked: ${describeConnectionFailure(answer.error, 'the source')}`
      return warning({ requirement: what, met: false, found, fix: null })
    }
  }
}
