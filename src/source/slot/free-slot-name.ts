import type { SourceFacts } from '../source-facts.ts'

/** Maximum length of an identifier, bytes. PostgreSQL manual, "Limits". */
const longestName = 63

/** Returns true if the slot belongs to another database or plugin. Slot names are unique in the whole server. */
export function isSlotOfAnother({ slot, database }: Pick<SourceFacts, 'slot' | 'database'>): boolean {
  return slot !== null && (slot.plugin !== 'pgoutput' || slot.database !== database)
}

/**
 * Returns a free name for the slot if another database or plugin has the configured one: that name plus the database's. Null: not needed.
 */
export function freeSlotName(wanted: string, facts: Pick<SourceFacts, 'slot' | 'database'>): string | null {
  if (!isSlotOfAnother(facts)) return null
  const database = facts.database.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')
  return `${wanted}_${database}`.slice(0, longestName)
}
