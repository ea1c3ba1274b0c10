import type { TestDatabase } from '../postgres.ts'
import { until } from '../until.ts'

/** Drops a slot whose connector has ended. The server releases the slot a moment after the connection is closed. */
export async function dropSlot(database: TestDatabase, slot: string): Promise<void> {
  await until(() => database.query('select pg_drop_replication_slot($1)', [slot]))
}
