import { eq, type SQL, sql } from 'drizzle-orm'
import type { StateDatabase } from '../state-database.ts'
import { checkpoint } from '../tables.ts'

/** Server of the checkpoint store. A server, its standbys and its physical copies have one system identifier. */
export interface StoreServer {
  readonly systemIdentifier: string
  /** Start of the server, as seconds since 1970. No two running servers with one system identifier have started in the same microsecond. */
  readonly startedAt: string
}

/** The server of the checkpoint store, as columns of a query. */
export const storeServerColumns = {
  systemIdentifier: sql<string>`(select system_identifier::text from pg_control_system())`,
  startedAt: sql<string>`extract(epoch from pg_postmaster_start_time())::text`,
}

/**
 * Identity of the store's tables: the server's system identifier, and the OIDs of the database and of the tables. A physical copy, such as
 * a promoted standby, keeps it. A logical restore changes it, and so does a copy by `CREATE DATABASE … TEMPLATE`. The tables are those
 * of which a row says what mediQuo has, or what is still to be read.
 */
export const storeIdentity: SQL<string> = sql<string>`concat_ws(' ', (select system_identifier from pg_control_system()),
  (select oid from pg_database where datname = current_database()), to_regclass('checkpoint')::oid,
  to_regclass('delivery')::oid, to_regclass('dead_letter')::oid, to_regclass('backfill')::oid)`

/** Notes the identities that an earlier version did not store. They are believed as they are: nothing is known of the time before. */
export async function noteIdentities(
  db: StateDatabase,
  { epoch, databaseOid }: { readonly epoch: number; readonly databaseOid: string },
): Promise<void> {
  await db
    .update(checkpoint)
    .set({
      databaseOid: sql`coalesce(${checkpoint.databaseOid}, ${databaseOid})`,
      storeIdentity: sql`coalesce(${checkpoint.storeIdentity}, ${storeIdentity})`,
    })
    .where(eq(checkpoint.epoch, epoch))
}
