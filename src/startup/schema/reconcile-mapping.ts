import type { CompiledMapping } from '../../mapping/compile.ts'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import type { Resources } from '../resources.ts'

type Tools = Pick<Resources, 'settings' | 'state' | 'telemetry'>
type UsedMapping = Pick<CompiledMapping, 'id' | 'padding'>

/**
 * Compares the mapping with the one that was in use before. Rows that were sent under another one are read again, or reported. Only the
 * writer does this: an instance that stands by may have another configuration. @throws {ConnectorError} fenced, or state rewritten
 */
export async function reconcileMapping(tools: Tools, mapping: UsedMapping): Promise<void> {
  const { settings, state, telemetry } = tools
  const { logger } = telemetry
  const { onMappingChange } = settings
  await reconcilePadding(tools, mapping)
  const outdated = await state.store.mappings.use(mapping.id, onMappingChange)
  if (outdated === null) return
  const fields = { ...outdated, onMappingChange }
  if (onMappingChange === 'backfill') logger.warn(fields, 'rows were sent under another mapping, a backfill follows')
  else logger.warn(fields, 'rows were sent under another mapping, and are not sent again')
}

/**
 * Takes the padding of character(n) off the codes in the state, when a mapping is used for the first time that takes it off: mediQuo trims
 * codes, so that the padded code is no former one, which would be unsubscribed.
 * @throws {ConnectorError} state rewritten: row records that were loaded before are out of date.
 */
async function reconcilePadding(
  { state: { store }, telemetry: { logger } }: Tools,
  { id, padding }: UsedMapping,
): Promise<void> {
  if (!padding.isAtEnd || (await store.mappings.isInUse(id))) return
  const rows = await store.unpadCodes()
  if (rows === 0) return
  logger.warn({ rows }, 'codes of character(n) had their padding in the state, it was taken off')
  throw new ConnectorError('state rewritten', 'the padding of character(n) was taken off the codes in the state')
}
