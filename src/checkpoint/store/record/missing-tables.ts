import { codeOf, unwrapped } from '../../../model/failure/kind-of.ts'
import { sqlstate } from '../../../model/failure/sqlstate.ts'

/** Returns true if the store's tables are gone. */
export function isWithoutTables(error: unknown): boolean {
  const code = codeOf(unwrapped(error))
  return code === sqlstate.undefinedTable || code === sqlstate.invalidSchemaName
}
