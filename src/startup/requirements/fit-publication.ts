import { fittingStatements, stopStatement } from '../../source/requirements/publication-sql.ts'
import type { SourceFacts } from '../../source/source-facts.ts'
import type { Wanted } from '../../source/wanted.ts'
import { publish, rehearse, withSession } from '../../source/writes/publish.ts'
import type { RefusedWrite, WritesAnswer } from '../../source/writes/refused-write.ts'
import type { Resources } from '../resources.ts'

type Tools = Pick<Resources, 'source' | 'telemetry'>

/**
 * Relief for an application whose writes are refused. `fitted`: the publication has been narrowed or widened, and the table is read again.
 * `stopped`: updates and deletes are no longer published, and the connector is blocked. `none`: the publication is not ours to alter.
 */
export type Relief = 'fitted' | 'stopped' | 'none'

/**
 * Makes a publication of ours accept the writes of the application, and publish all of them. It would rather stop than harm: if the table
 * cannot be published as it is, updates and deletes are no longer published.
 * @returns the relief; null if nothing had to be done.
 */
export async function fitPublication(
  { source: { pool }, telemetry: { logger } }: Tools,
  facts: SourceFacts,
  wanted: Wanted,
): Promise<{ readonly relief: Relief; readonly write: RefusedWrite | null } | null> {
  const { publication } = facts
  if (!publication?.listsTable || !facts.table) return null
  const { schema, table, publication: name } = wanted
  const of = { schema, table, publication: name }
  const answer = await rehearse(pool, { ...of, statements: [] })
  const isStopped = publication.isOurs && publication.operations.length < 3
  if (answer.kind !== 'refused' && !isStopped) return null
  const write = answer.kind === 'refused' ? answer.write : null
  if (!publication.isOurs) return { relief: 'none', write }
  const alter = async (statements: readonly string[]): Promise<WritesAnswer> =>
    await withSession(pool, (session) => publish(session, { ...of, statements }))
  if ((await alter(fittingStatements(facts, wanted))).kind === 'accepted') {
    logger.warn({ publication: name }, 'publication altered to fit the table')
    return { relief: 'fitted', write }
  }
  if (write === null || (await alter([stopStatement(name)])).kind !== 'accepted') return { relief: 'none', write }
  logger.error({ publication: name, table: write.table }, 'updates and deletes are no longer published')
  return { relief: 'stopped', write }
}
