import type { SourceFacts } from '../source-facts.ts'

/** PostgreSQL manual, "Limits": an identifier's length, bytes. */
const longestName = 63

/** Whether the slot of that name is one of another database or plugin: a slot's name is one for the whole server. */
export function isSlotOfAnother({ slot, database }: Pick<SourceFacts, 'slot' | 'database'>): boolean {
  return slot !== null && (slot.plugin !== 'pgoutput' || slot.database !== database)
}

/** A name for the slot where another has the wanted one: with the database's own. Null: the wanted one is free, or ours. */
export function freeSlotName(wanted: string, facts: Pick<SourceFacts, 'slot' | 'database'>): string | null {
  if (!isSlotOfAnother(facts)) return null
  const database = facts.database.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')
  return `${wanted}_${database}`.slice(0, longestName)
}
