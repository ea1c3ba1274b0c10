import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresMajor, type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { openTable, wholeTable } from './open-table.ts'

/** `citext` if the server has it. */
const citext = `do $$ begin create extension citext; exception when others then create domain citext as text; end $$;`
const of = (type: string, values: string) =>
  `create table patients (id ${type} primary key, name text); insert into patients select ${values};`
const many = 'from generate_series(1, 30) g'
/** Texts that sort differently in C and in ICU, and that SQL or an array's text could split. */
const texts = `array['', ' ', 'a', 'A', 'á', 'b', 'Z', 'ñ', 'n', 'o', 'a b', 'a-b', 'ab', 'a,b', '{a}', '"a"', 'O''Brien', '\\', '\\\\',
  'NULL', '日本', '🎉', U&'\\FEFFa', U&'e\\0301', '(1,2)', E'\\t', E'a\\nb']`

const keys: Readonly<Record<string, string>> = {
  smallint: of('smallint', `g - 15, 'x' ${many}`),
  int: of('int', `g * 1000, 'x' ${many}`),
  bigint: of('bigint', `g * 100000000000 - 1500000000000, 'x' ${many}`),
  uuid: of('uuid', `md5(g::text)::uuid, 'x' ${many}`),
  text: of('text', `v, 'x' from unnest(${texts}) v`),
  'text with a collation': of('text collate "en-x-icu"', `v, 'x' from unnest(${texts}) v`),
  'text with a collation that takes texts for the same': `
    create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    ${of('text collate loose', `v, 'x' from unnest(array['a', 'B', 'c', 'Ä', 'e', 'É', 'Z']) v`)}`,
  'varchar(9)': of('varchar(9)', `v, 'x' from unnest(${texts}) v`),
  'char(5)': of('char(5)', `v, 'x' from unnest(array['', 'a', 'b', 'ab', 'ab cd', 'abcde', 'B', 'ñandú']) v`),
  // A byte above 127 is an escape from version 16 on; in earlier versions it is a byte that is not text.
  '"char"': of('"char"', `v::"char", 'x' from unnest(array['', 'a', 'b'${postgresMajor < 16 ? '' : ", 'ñ'"}]) v`),
  name: of('name', `v, 'x' from unnest(array['a', 'B', 'c d']) v`),
  'bit(3)': of('bit(3)', `v::bit(3), 'x' from generate_series(0, 7) v`),
  'bit varying': of('varbit', `v::varbit, 'x' from unnest(array['', '0', '1', '01', '101']) v`),
  numeric: of(
    'numeric',
    `v, 'x' from unnest(array[-1.50, 0, 1.10, 1.1000001, 1e30, 'NaN', 'Infinity', '-Infinity']) v`,
  ),
  'numeric(8,2)': of('numeric(8,2)', `g / 7.0, 'x' ${many}`),
  real: of('real', `v, 'x' from unnest(array['-0', 1e-7, 0.1, 1e30, 'NaN', 'Infinity', '-Infinity']::real[]) v`),
  double: of('double precision', `0.1 * g, 'x' ${many}`),
  boolean: of('boolean', `v, 'x' from unnest(array[true, false]) v`),
  date: of(
    'date',
    `v, 'x' from unnest(array['-infinity', '4713-01-01 BC', '0044-03-15 BC', '1980-02-01', '12345-01-01', 'infinity']::date[]) v`,
  ),
  timestamptz: of(
    'timestamptz',
    `'2024-03-31 00:00+00'::timestamptz + g * interval '17 minutes 0.000001 seconds', 'x' ${many}`,
  ),
  'timestamp(0)': of(
    'timestamp(0)',
    `v, 'x' from unnest(array['-infinity', '0044-03-15 BC', '2024-03-31 02:30', 'infinity']::timestamp[]) v`,
  ),
  time: of('time', `v, 'x' from unnest(array['00:00', '23:59:59.999999', '24:00']::time[]) v`),
  interval: of(
    'interval',
    `v, 'x' from unnest(array['-1 day', '0', '1 mon 1 day', '-1 mon 45 days', '00:00:00.000001']::interval[]) v`,
  ),
  bytea: of('bytea', `decode(md5(g::text), 'hex'), 'x' ${many}`),
  inet: of('inet', `('10.0.0.' || g)::inet, 'x' ${many}`),
  'int[]': of('int[]', `array[g % 3, g], 'x' ${many}`),
  'text[]': of('text[]', `array[v, 'a,"b'], 'x' from unnest(${texts}) v`),
  'an enum of a schema': `create schema "My Types"; create type "My Types"."My Mood" as enum ('z', 'a b', 'it''s');
    ${of('"My Types"."My Mood"', `v, 'x' from unnest(enum_range(null::"My Types"."My Mood")) v`)}`,
  'a domain of a domain': `create schema "My Types"; create domain "My Types".positive as int; create domain code as "My Types".positive check (value < 50);
    ${of('code', `g, 'x' from generate_series(1, 40) g`)} alter table patients drop constraint patients_pkey; insert into patients values (0, 'x');
    alter domain code add constraint more check (value > 1) not valid; alter table patients add primary key (id);`,
  citext: `${citext} ${of('citext', `v, 'x' from unnest(array['a', 'B', 'c', 'Ä', 'É', 'Z', 'o''b']) v`)}`,
  'a domain of citext': `${citext} create domain code as citext; ${of('code', `v, 'x' from unnest(array['a', 'B', 'c', 'Z']) v`)}`,
  'text and int': `create table patients (clinic text, n int, name text, primary key (clinic, n));
    insert into patients select v, g, 'x' from unnest(${texts}) v, generate_series(1, 5) g;`,
  'three texts': `create table patients (a text, b text collate "en-x-icu", c varchar(9), primary key (a, b, c));
    insert into patients select t[g], t[1 + g * 5 % 27], t[1 + g * 7 % 27] from (select ${texts} as t) s, generate_series(1, 27) g;`,
  'citext and int': `${citext} create table patients (clinic citext, n int, name text, primary key (clinic, n));
    insert into patients select v, g, 'x' from unnest(array['a', 'B', 'c']) v, generate_series(-5, 15) g;`,
  'int, citext and citext': `${citext} create table patients (n int, a citext, b citext, primary key (n, a, b));
    insert into patients select g % 3, 'a' || g % 4, 'B' || g from generate_series(1, 30) g;`,
  'a list of partitions': `create table patients (region text, id int, name text, primary key (region, id)) partition by list (region);
    create table north partition of patients for values in ('n', 'x'); create table south partition of patients for values in ('s', 'm');
    insert into patients select (array['n', 's', 'x', 'm'])[1 + g % 4], g, 'x' ${many};`,
  'partitions by hash': `create table patients (id bigint primary key, name text) partition by hash (id);
    create table even partition of patients for values with (modulus 2, remainder 0);
    create table odd partition of patients for values with (modulus 2, remainder 1) partition by range (id);
    create table low partition of odd for values from (minvalue) to (20); create table high partition of odd default;
    insert into patients select g, 'x' ${many};`,
  'tables that inherit': `${of('int', `g, 'x' from generate_series(1, 9) g`)} create table archived () inherits (patients);
    insert into archived values (3, 'another'), (100, 'another');`,
  'columns named as the read names its own': `create table patients (k0 text, k text, t int, s text, r text, snapshot text, "Quoted ""Name""" text, primary key (t, k0));
    insert into patients select 'x', 'k', g, 's', 'r', 'none', null from generate_series(1, 9) g;`,
}

/** An identity index need not sort as its columns' types do. */
const identities: Readonly<Record<string, string>> = {
  'text_pattern_ops, descending': `create table patients (id text collate "en-x-icu" not null, n int not null);
    create unique index by_id on patients (id text_pattern_ops desc, n desc);
    insert into patients select v, g from unnest(${texts}) v, generate_series(1, 3) g;`,
  'one column descending': `create table patients (id int not null, n text not null);
    create unique index by_id on patients (n, id desc nulls last); insert into patients select g, 'n' || g % 4 from generate_series(1, 30) g;`,
  'another collation, by which more is different': `
    create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    create table patients (id text collate loose not null); create unique index by_id on patients (id collate "C");
    insert into patients select v from unnest(array['a', 'A', 'b', 'B', 'á', 'Á']) v;`,
  'citext as text': `${citext} create table patients (id citext not null); create unique index by_id on patients (id text_ops);
    insert into patients select v from unnest(array['a', 'A', 'b', 'B']) v;`,
}
const identity = ' alter table patients replica identity using index by_id;'
const everyTable = [
  ...Object.entries(keys),
  ...Object.entries(identities).map(([name, schema]) => [`an index of ${name}`, schema + identity]),
]

/** One database for all tests, because creating one takes longer than walking it. */
let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.dispose())

async function lay(schema: string) {
  await database.query(`drop schema if exists public, "My Types", "Cli""nic" cascade; create schema public; ${schema}`)
}

describe('pages and keys together return the whole table, each row once', () => {
  test.each(everyTable)('with a key of %s', async (_, schema) => {
    await lay(schema)
    await using table = await openTable(database)
    const whole = await wholeTable(table)
    expect(whole.size).toBeGreaterThan(1)

    for (const limit of [1, 7, 1000]) {
      const pages = await table.walk(limit)
      const rows = pages.flatMap((page) => [...page.rows])
      expect(rows).toHaveLength(whole.size)
      expect(new Map(rows)).toEqual(whole)
      for (const page of pages) expect(page.last).toBe([...page.rows.keys()].at(-1) ?? null)
    }
    expect((await table.reader.byKey([...whole.keys()])).rows).toEqual(whole)
  })

  test('in another schema, with names that must be quoted', async () => {
    await lay(`create schema "Cli""nic"; create table "Cli""nic"."My Patients" ("the Id" int, "User" text, "Ünï" text, primary key ("User", "the Id"));
        insert into "Cli""nic"."My Patients" select g, 'u' || g % 5, 'x' ${many}`)
    await using table = await openTable(database, { schema: 'Cli"nic', table: 'My Patients' })
    const pages = await table.walk(7)
    expect(pages.flatMap((page) => [...page.rows])).toEqual([...(await wholeTable(table))])
  })

  test.each([
    {
      plan: 'no index',
      environmentOptions: '-c enable_indexscan=off -c enable_indexonlyscan=off',
    },
    {
      plan: 'parallel workers',
      environmentOptions:
        '-c enable_indexscan=off -c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0',
    },
    { plan: 'no nested loop', environmentOptions: '-c enable_nestloop=off -c enable_sort=off -c jit=off' },
  ])('with any plan: $plan', async ({ environmentOptions }) => {
    for (const name of ['text and int', 'citext and int', 'partitions by hash']) {
      await lay(keys[name] ?? '')
      await using table = await openTable(database, { environmentOptions })
      const whole = await wholeTable(table)
      const rows = (await table.walk(7)).flatMap((page) => [...page.rows])
      expect(rows).toEqual([...whole])
      expect((await table.reader.byKey([...whole.keys()])).rows).toEqual(whole)
    }
  })
})
