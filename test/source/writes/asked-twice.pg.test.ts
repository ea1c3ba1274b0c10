import type { Pool } from 'pg'
import { describe, expect, test } from 'vitest'
import { sourceClientConfig } from '../../../src/source/connection/connection.ts'
import { type Publishing, rehearse, withSession } from '../../../src/source/writes/publish.ts'
import { writesByCatalog } from '../../../src/source/writes/writes-by-catalog.ts'
import { newPool } from '../../support/postgres/connections.ts'
import { unsecured } from '../../support/postgres/unsecured.ts'
import { postgresMajor, type TestDatabase, testDatabase } from '../../support/postgres.ts'

interface PublishedCase {
  readonly name: string
  readonly schema: string
  /** What follows `create publication p`; the whole table by default. */
  readonly publication?: string
  readonly since?: number
  readonly cause?: 'identity' | 'published columns'
}

const parted = `create table patients (id int, region int, name text, primary key (id, region)) partition by list (region);
  create table north partition of patients for values in (1);
  create table south partition of patients for values in (2);
  insert into patients values (1, 1, 'a'), (2, 2, 'b');`
const plain = (columns: string) =>
  `create table patients (${columns}); insert into patients (id, name) values (1, 'a');`
const viaRoot = 'for table patients with (publish_via_partition_root = true)'
const listed = 'for table patients (id, name)'

const cases: readonly PublishedCase[] = [
  { name: 'a primary key', schema: plain('id int primary key, name text') },
  {
    name: 'a deferrable primary key',
    schema: plain('id int primary key deferrable, name text'),
    cause: 'identity',
  },
  {
    name: 'a deferrable primary key under a full identity',
    schema: `${plain('id int primary key deferrable, name text')} alter table patients replica identity full`,
  },
  {
    name: 'only a unique index',
    schema: `${plain('id int not null unique, name text')}`,
    cause: 'identity',
  },
  {
    name: 'a unique index with more columns',
    schema: `${plain('id int not null, name text, extra int')} create unique index by_id on patients (id) include (extra);
      alter table patients replica identity using index by_id`,
    publication: listed,
    since: 15,
  },
  {
    name: 'an identity whose index is gone',
    schema: `${plain('id int primary key, other int not null default 1 unique, name text')}
      alter table patients replica identity using index patients_other_key;
      alter table patients drop constraint patients_other_key`,
    cause: 'identity',
  },
  { name: 'a column list', schema: plain('id int primary key, name text, extra int'), publication: listed, since: 15 },
  {
    name: 'a column list under a full identity',
    schema: `${plain('id int primary key, name text, extra int')} alter table patients replica identity full`,
    publication: listed,
    since: 15,
    cause: 'published columns',
  },
  {
    name: 'a column list without the key',
    schema: plain('id int primary key, name text'),
    publication: 'for table patients (name)',
    since: 15,
    cause: 'published columns',
  },
  {
    name: 'a row filter over the key',
    schema: plain('id int primary key, name text'),
    publication: 'for table patients where (id > 0)',
    since: 15,
  },
  {
    name: 'a row filter over another column',
    schema: plain('id int primary key, name text'),
    publication: `for table patients where (name <> '')`,
    since: 15,
    cause: 'published columns',
  },
  { name: 'partitions', schema: parted, publication: viaRoot },
  {
    name: 'a partition without a replica identity',
    schema: `${parted} alter table south replica identity nothing`,
    publication: viaRoot,
    cause: 'identity',
  },
  {
    name: 'a partition with a full identity and a column list',
    schema: `${parted} alter table south replica identity full`,
    publication: 'for table patients (id, region) with (publish_via_partition_root = true)',
    since: 15,
    cause: 'published columns',
  },
  {
    name: 'a root with a full identity and a row filter',
    schema: `${parted} alter table patients replica identity full`,
    publication: `for table patients where (name <> '') with (publish_via_partition_root = true)`,
    since: 15,
    cause: 'published columns',
  },
  {
    name: 'a child table without a key',
    schema: `${plain('id int primary key, name text')} create table old () inherits (patients); insert into old values (2, 'b')`,
    cause: 'identity',
  },
  {
    name: 'a child table that is not published',
    schema: `${plain('id int primary key, name text')} create table old () inherits (patients); insert into old values (2, 'b')`,
    publication: 'for table only patients',
  },
  {
    name: 'a full identity with a generated column',
    schema: `${plain('id int primary key, name text, shouted text generated always as (upper(name)) stored')}
      alter table patients replica identity full`,
    ...(postgresMajor >= 18 && { cause: 'published columns' as const }),
  },
  {
    name: 'a full identity with a generated column that is published',
    schema: `${plain('id int primary key, name text, shouted text generated always as (upper(name)) stored')}
      alter table patients replica identity full`,
    publication: 'for table patients with (publish_generated_columns = stored)',
    since: 18,
  },
  {
    name: 'a full identity with a virtual generated column',
    schema: `${plain('id int primary key, name text, shouted text generated always as (upper(name)) virtual')}
      alter table patients replica identity full`,
    publication: 'for table patients with (publish_generated_columns = stored)',
    since: 18,
    cause: 'published columns',
  },
  {
    name: 'an identity column alone',
    schema:
      'create table patients (id int primary key generated always as identity); insert into patients default values',
  },
  {
    name: 'a publication of inserts',
    schema: plain('id int, name text'),
    publication: `for table patients with (publish = 'insert')`,
  },
]

function poolOf(database: TestDatabase): Pool {
  return newPool(
    sourceClientConfig({
      security: unsecured,
      url: database.url,
      environmentOptions: '',
      applicationName: 'test',
      connectTimeoutMs: 10_000,
    }),
  )
}

const asked: Publishing = { schema: 'public', table: 'patients', publication: 'p', statements: [] }

/** Returns true if the server refuses one of the application's writes. */
async function refusesWrites(database: TestDatabase): Promise<boolean> {
  const [column] = await database.query(
    `select attname from pg_attribute where attrelid = 'patients'::regclass and attname = 'name'`,
  )
  const set = column ? `name = 'c'` : 'id = default'
  for (const write of [`update patients set ${set}`, 'delete from patients'])
    if (
      await database.query(write).then(
        () => false,
        () => true,
      )
    )
      return true
  return false
}

describe('the server and the catalogs say of a published table what the application meets', () => {
  test.each(cases.filter(({ since = 14 }) => postgresMajor >= since))(
    '$name',
    async ({ schema, publication, cause }) => {
      await using database = await testDatabase({ schema })
      await database.query(`create publication p ${publication ?? 'for table patients'}`)
      const pool = poolOf(database)
      try {
        const answer = await rehearse(pool, asked)
        const byCatalog = await withSession(pool, (session) => writesByCatalog(session, asked))
        const expected =
          cause === undefined ? { kind: 'accepted' } : { kind: 'refused', write: expect.objectContaining({ cause }) }
        expect({ answer, byCatalog }).toEqual({ answer: expected, byCatalog: expected })
        expect(await refusesWrites(database)).toBe(cause !== undefined)
      } finally {
        await pool.end()
      }
    },
  )
})

test('a question waits for no lock, and is not answered then', async () => {
  await using database = await testDatabase({ schema: plain('id int primary key, name text') })
  const pool = poolOf(database)
  const locking = await pool.connect()
  try {
    await locking.query('begin; lock table public.patients in share mode')
    expect(await rehearse(pool, asked)).toMatchObject({ kind: 'unanswered' })
    await locking.query('rollback')
    expect(await rehearse(pool, asked)).toEqual({ kind: 'accepted' })
  } finally {
    locking.release()
    await pool.end()
  }
})
