import { testSandbox } from '../sandbox/sandbox-client.ts'
import { patientsTable, startConnector } from '../support/connector.ts'
import { type TestDatabase, testDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

/** Creates a database in which a connector has delivered a patient, and was stopped. */
export async function afterUse({ config = {} }: { readonly config?: Parameters<typeof startConnector>[0] } = {}) {
  const database = config.database ?? (await testDatabase({ schema: patientsTable }))
  const sandbox = await testSandbox()
  const connector = await startConnector({ ...config, database, sandbox })
  await database.query(`insert into patients (code) values ('jane')`)
  await connector.whenPatient('jane')
  await connector.stop()
  const { slot } = connector
  // The server needs a moment to notice that the connector has gone.
  await until(async () => {
    const [found] = await database.query('select active from pg_replication_slots where slot_name = $1', [slot])
    return found?.active === 'f'
  })
  return {
    database,
    slot,
    start: () => startConnector({ ...config, database, sandbox }),
    async [Symbol.asyncDispose]() {
      await connector[Symbol.asyncDispose]()
      await sandbox.close()
      await database.dispose()
    },
  }
}

/** Counts the leftover objects. */
export async function remains(database: TestDatabase, stateIn = database) {
  const count = async (on: TestDatabase, from: string) =>
    Number((await on.query(`select count(*) from ${from}`))[0]?.count)
  return {
    slots: await count(database, `pg_replication_slots where database = current_database()`),
    publications: await count(database, 'pg_publication'),
    tables: await count(stateIn, `pg_tables where schemaname = 'mediquo_cdc'`),
    schemas: await count(stateIn, `pg_namespace where nspname = 'mediquo_cdc'`),
  }
}

/** Result of {@link remains} once everything is dropped. */
export const nothing = { slots: 0, publications: 0, tables: 0, schemas: 0 }
/** Result of {@link remains} before. */
export const everything = { slots: 1, publications: 1, tables: 6, schemas: 1 }
