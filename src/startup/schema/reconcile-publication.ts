import { ConnectorError } from '../../model/failure/connector-error.ts'
import { republishSql } from '../../source/requirements/publication-sql.ts'
import type { SourceFacts } from '../../source/source-facts.ts'
import type { Wanted } from '../../source/wanted.ts'
import type { Resources } from '../resources.ts'

/**
 * Gives the publication the row filter of the settings, if it has another one; false if it has not. The requirements say that it may. The
 * caller must read the source again afterwards: the altered publication causes a backfill, which sends the rows that newly match, and
 * treats the others as deleted.
 * @throws {ConnectorError} slot in use: two instances with different settings would alter it in turns.
 */
export async function reconcilePublication(
  { source, telemetry: { logger } }: Pick<Resources, 'source' | 'telemetry'>,
  { facts, wanted }: { readonly facts: SourceFacts; readonly wanted: Wanted },
): Promise<boolean> {
  const { publication, slot } = facts
  if (!publication || publication.filterFit.kind === 'same') return false
  const { publication: name, where } = wanted
  if (slot?.active) {
    throw new ConnectorError(
      'slot in use',
      `the publication ${name} is given the row filter of source.where once no other instance uses the replication slot`,
    )
  }
  // One message is one transaction, in which SET LOCAL lasts.
  await source.pool.query(`set local lock_timeout = '5s'; ${republishSql(facts, publication, wanted)}`)
  const fields = { publication: name, before: publication.rowFilter, where }
  logger.warn(fields, 'the publication was given the row filter of source.where, a backfill follows')
  return true
}
