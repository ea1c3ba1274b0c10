import { sql } from 'drizzle-orm'
import type { StateDatabase } from './state-database.ts'

/** Returns the slots of all checkpoint stores in this database, in any schema, as far as this user may read them. */
export async function knownSlots(db: StateDatabase): Promise<string[]> {
  const { rows } = await db.execute<{ schema: string }>(sql`
    select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relname = 'checkpoint' and c.relkind = 'r'
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'fingerprint_salt')
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'slot')
      and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')`)
  const slots: string[] = []
  for (const { schema } of rows) {
    const found = await db.execute<{ slot: string }>(sql`select slot from ${sql.identifier(schema)}.checkpoint`)
    slots.push(...found.rows.map(({ slot }) => slot))
  }
  return slots
}
