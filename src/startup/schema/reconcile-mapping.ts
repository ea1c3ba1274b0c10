import type { CompiledMapping } from '../../mapping/compile.ts'
import type { Resources } from '../resources.ts'

/**
 * Compares the mapping with the one that was in use before. Rows that were sent under another one are read again, or reported. Only the
 * writer does this: an instance that stands by may have another configuration. @throws {ConnectorError} fenced
 */
export async function reconcileMapping(
  { settings, state, telemetry: { logger } }: Pick<Resources, 'settings' | 'state' | 'telemetry'>,
  { id }: Pick<CompiledMapping, 'id'>,
): Promise<void> {
  const { onMappingChange } = settings
  const outdated = await state.store.mappings.use(id, onMappingChange)
  if (outdated === null) return
  const fields = { ...outdated, onMappingChange }
  if (onMappingChange === 'backfill') logger.warn(fields, 'rows were sent under another mapping, a backfill follows')
  else logger.warn(fields, 'rows were sent under another mapping, and are not sent again')
}
