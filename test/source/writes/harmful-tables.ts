import { postgresMajor, type TestDatabase } from '../../support/postgres.ts'

const rest = `first_name text default 'Jane', gender text default 'female', birth_date date default '1980-01-01', plan text default 'premium'`
const byRegion = `create table patients (code text, region int, ${rest}, primary key (code, region)) partition by list (region);
  create table north partition of patients for values in (1);
  create table south partition of patients for values in (2);`
const rows = `insert into patients (code, region) values ('p1', 1), ('p2', 2);`

/** Table whose writes a publication would make fail. */
export interface HarmfulTable {
  readonly name: string
  /** SQL of the table `patients`, with its rows. */
  readonly schema: string
  readonly where?: string
  /** Oldest version that has it; 14 by default. */
  readonly since?: number
  /** Words of the server about the write. */
  readonly says: string
}

const noIdentity = 'does not have a replica identity and publishes updates'

export const harmfulTables: readonly HarmfulTable[] = (
  [
    {
      name: 'a deferrable primary key',
      schema: `create table patients (code text primary key deferrable, ${rest}); insert into patients values ('p1');`,
      says: noIdentity,
    },
    {
      name: 'a partition without a replica identity',
      schema: `${byRegion} alter table south replica identity nothing; ${rows}`,
      says: noIdentity,
    },
    {
      name: 'a partition of a partition without a replica identity',
      schema: `create table patients (code text, region int, ${rest}, primary key (code, region)) partition by list (region);
        create table north partition of patients for values in (1);
        create table south partition of patients for values in (2) partition by hash (code);
        create table "South 0" partition of south for values with (modulus 1, remainder 0);
        alter table "South 0" replica identity nothing; ${rows}`,
      says: noIdentity,
    },
    {
      name: 'an identity whose index is gone',
      schema: `create table patients (code text primary key, old_code text unique not null, ${rest});
        alter table patients replica identity using index patients_old_code_key;
        alter table patients drop constraint patients_old_code_key;
        insert into patients values ('p1', 'o1');`,
      says: noIdentity,
    },
    {
      name: 'a row filter that the identities of the partitions do not have',
      schema: `${byRegion} alter table patients replica identity full; ${rows}`,
      where: `plan = 'premium'`,
      since: 15,
      says: 'Column used in the publication WHERE expression is not part of the replica identity',
    },
    {
      name: 'a full identity with a virtual generated column',
      schema: `create table patients (code text primary key, ${rest}, shouted text generated always as (upper(code)) virtual);
        alter table patients replica identity full; insert into patients values ('p1');`,
      since: 18,
      says: 'Replica identity must not contain unpublished generated columns',
    },
  ] satisfies HarmfulTable[]
).filter(({ since = 14 }) => postgresMajor >= since)

/** Writes each row in sessions of their own, as the application does. Rejects if the server refuses one. */
export async function writeEveryRow(database: TestDatabase): Promise<void> {
  await database.query(`update patients set first_name = 'Mary'`)
  await database.query('delete from patients')
}
