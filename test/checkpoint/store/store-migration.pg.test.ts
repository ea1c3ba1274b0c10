import { sql } from 'drizzle-orm'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { expect, test } from 'vitest'
import { noteIdentities } from '../../../src/checkpoint/store/identity/store-identity.ts'
import { migrateState, migrationsFolder, type StateDatabase } from '../../../src/checkpoint/store/state-database.ts'
import { lsn } from '../../../src/model/source/lsn.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import { testDatabase } from '../../support/postgres.ts'
import { begun, open, row } from './store-scene.ts'

/** Migrates the tables with the first `count` migrations, as an older release left them. */
async function migratePartly(db: StateDatabase, count: number): Promise<void> {
  await db.execute(sql`create schema mediquo_cdc`)
  await db.execute(sql`create table migration (hash text primary key, applied_at timestamptz not null default now())`)
  for (const migration of readMigrationFiles({ migrationsFolder }).slice(0, count)) {
    for (const statement of migration.sql) await db.execute(sql.raw(statement))
    await db.execute(sql`insert into migration (hash) values (${migration.hash})`)
  }
}

test('keeps the rows of an older release unchanged, without owed rows', async () => {
  await using database = await testDatabase()
  await using state = open(database.url)
  await migratePartly(state.db, 4)
  await database.query(`insert into mediquo_cdc.checkpoint
    (slot, publication, source_table, system_identifier, timeline, lsn, horizon_lsn, fingerprint_salt)
    values ('s', 'p', 'public.patients', '7', 1, '0/64', '0/60', '\\x00')`)
  await database.query(`insert into mediquo_cdc.delivery (source_key, code, fingerprint, removed, lsn, ordinal, xid)
    values ('["a"]', 'a', '\\x0011', false, '0/32', 7, 5)`)
  const files = () =>
    database.query(`select relname, relfilenode from pg_class
      where oid in ('mediquo_cdc.delivery'::regclass, 'mediquo_cdc.checkpoint'::regclass) order by relname`)
  const before = await files()
  await migrateState(state.db, 'mediquo_cdc')
  expect(await files()).toEqual(before)
  expect(await state.store.load()).toMatchObject({ lsn: 0x64n, horizon: { commitLsn: 0x60n }, readLsn: null })
  const known = row('a', { fingerprint: '0011', position: { commitLsn: lsn(0x32n), ordinal: 7 }, xid: xid(5n) })
  expect(await state.store.lookUp([known.key])).toEqual(new Map([[known.key, known]]))
})

test('takes the database and the tables of an older release as they are, once', async () => {
  await using database = await testDatabase()
  await using state = await begun(database)
  await database.query('update mediquo_cdc.checkpoint set database_oid = null, store_identity = null')
  expect(await state.store.load()).toMatchObject({ databaseOid: null, storeIdentity: null, isRestored: false })
  await noteIdentities(state.db, { epoch: 1, databaseOid: '5' })
  const noted = await state.store.load()
  expect(noted).toMatchObject({ databaseOid: '5', isRestored: false })
  await database.query(`update mediquo_cdc.checkpoint set store_identity = 'of other tables'`)
  await noteIdentities(state.db, { epoch: 1, databaseOid: '6' })
  expect(await state.store.load()).toMatchObject({ databaseOid: '5', isRestored: true })
})

test('keeps the keys and codes of an older release in a database of another encoding', async () => {
  await using database = await testDatabase({ encoding: 'LATIN1' })
  await using state = open(database.url)
  await migratePartly(state.db, 6)
  await database.query(`insert into mediquo_cdc.delivery (source_key, code, former_codes)
      values ('["Ñ"]', 'Ñ', array['Ö']), ('["Ã"]', 'Ã', null), ('["n"]', 'n', null);
    insert into mediquo_cdc.dead_letter (source_key, code, reason, attributes) values ('["Ñ"]', 'Ñ', 'invalid', '[]');
    insert into mediquo_cdc.backfill (state, reason, codes) values ('requested', 'asked for', '["Ñ"]')`)
  await migrateState(state.db, 'mediquo_cdc')
  const keys = ['Ñ', 'Ã', 'n'].map((key) => row(key).key)
  const found = await state.store.lookUp(keys)
  expect([...found.values()].map(({ key, code }) => [key, code])).toEqual(
    expect.arrayContaining(keys.map((key) => [key, JSON.parse(key)[0]])),
  )
  expect(found.get(row('Ñ').key)).toMatchObject({ formerCodes: ['Ö'], deadLetter: { reason: 'invalid' } })
  expect((await state.store.backfillRuns.next())?.codes).toEqual(['Ñ'])
})
