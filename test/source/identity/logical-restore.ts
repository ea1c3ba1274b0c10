import { migrateState } from '../../../src/checkpoint/store/state-database.ts'
import { open } from '../../checkpoint/store/store-scene.ts'
import { patientsTable } from '../../support/connector.ts'
import type { TestDatabase } from '../../support/postgres.ts'

const tablesOfStore = ['checkpoint', 'delivery', 'dead_letter', 'backfill', 'mapping'] as const
type StoreTable = (typeof tablesOfStore)[number]
const numbered: readonly StoreTable[] = ['backfill', 'mapping']

/** Rows of tables at one time, as `pg_dump` has them. */
export interface Dump {
  readonly patients: string
  readonly store: Readonly<Record<StoreTable, string>>
}

/** Reads the patients and the checkpoint store in one snapshot, as `pg_dump` does. */
export async function dumpOf(database: TestDatabase): Promise<Dump> {
  const columns = ['public.patients', ...tablesOfStore.map((name) => `mediquo_cdc.${name}`)]
    .map((table) => `(select coalesce(json_agg(t), '[]')::text from ${table} t) as "${table}"`)
    .join(', ')
  const [found = {}] = await database.query(`select ${columns}`)
  const rows = (table: string) => found[table] ?? '[]'
  const store = Object.fromEntries(tablesOfStore.map((name) => [name, rows(`mediquo_cdc.${name}`)]))
  return { patients: rows('public.patients'), store: store as Dump['store'] }
}

/** Restores the patients and their publication into an empty database, as `pg_restore` does. */
export async function restorePatients(database: TestDatabase, { patients }: Dump): Promise<void> {
  await database.query(patientsTable)
  await restoreTable(database, 'public.patients', patients)
  await database.query('create publication mediquo_cdc for table patients')
}

/** Makes the checkpoint store again from a dump. */
export async function restoreStore(database: TestDatabase, { store }: Dump): Promise<void> {
  await using state = open(database.url)
  await migrateState(state.db, 'mediquo_cdc')
  for (const table of tablesOfStore) {
    await restoreTable(database, `mediquo_cdc.${table}`, store[table])
    if (numbered.includes(table))
      await database.query(`select setval(pg_get_serial_sequence('mediquo_cdc.${table}', 'id'), coalesce(max(id), 1))
        from mediquo_cdc.${table}`)
  }
}

/** Makes one table of the checkpoint store again from a dump. */
export async function restoreStoreTable(database: TestDatabase, table: StoreTable, { store }: Dump): Promise<void> {
  await database.query(`alter table mediquo_cdc.${table} rename to before;
    create table mediquo_cdc.${table} (like mediquo_cdc.before including all); drop table mediquo_cdc.before`)
  await restoreTable(database, `mediquo_cdc.${table}`, store[table])
}

async function restoreTable(database: TestDatabase, table: string, rows: string): Promise<void> {
  const from = `json_populate_recordset(null::${table}, $1::json)`
  await database.query(`insert into ${table} overriding system value select * from ${from}`, [rows])
}
