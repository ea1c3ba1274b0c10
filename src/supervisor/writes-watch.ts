import { stopStatement } from '../source/requirements/publication-sql.ts'
import { gatherSourceFacts } from '../source/source-facts.ts'
import { readChildTables } from '../source/table/child-tables.ts'
import { rehearse } from '../source/writes/publish.ts'
import { inOneLine, refusedWriteFix } from '../source/writes/refused-write.ts'
import { fitMapping, wantedOf } from '../startup/prepare.ts'
import { fitPublication } from '../startup/requirements/fit-publication.ts'
import type { Resources } from '../startup/resources.ts'
import type { Board } from './status-board.ts'

type Tools = Pick<Resources, 'settings' | 'source' | 'telemetry'>

/**
 * Asks the server whether the application can update and delete, and alters a publication of ours if not. The board shows the refused write
 * until the server accepts it. Also looks for child tables, whose rows are not delivered.
 */
export async function lookAtWrites(
  resources: Tools,
  board: Pick<Board, 'refusedWrite' | 'childTables' | 'problemWatch'>,
): Promise<void> {
  const { table, publication, slot, where } = resources.settings.source
  const { pool } = resources.source
  board.childTables = await readChildTables(pool, table)
  const answer = await rehearse(pool, { ...table, publication, statements: [] })
  // Without an answer the last one stands.
  if (answer.kind === 'unanswered' || answer.kind === 'not publishable') return
  if (answer.kind === 'accepted') {
    board.refusedWrite = null
    return
  }
  const facts = await gatherSourceFacts(pool, { ...table, publication, slot, where })
  const mapping = await fitMapping(resources, facts).catch(() => null)
  const fitted = mapping && (await fitPublication(resources, facts, wantedOf(resources, mapping.columns)))
  const write = fitted?.write ?? answer.write
  board.refusedWrite = {
    operation: write.operation,
    refusingTable: write.table,
    publication,
    reason: inOneLine(write.server),
    relief: fitted?.relief ?? 'none',
    fix: refusedWriteFix(write),
    stopStatement: stopStatement(publication),
  }
  // It is raised also if the next look finds nothing left.
  board.problemWatch?.look()
}
