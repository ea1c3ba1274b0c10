/** Statement of an administrator, and whether the table is read again after it. */
export interface DdlCase {
  readonly ddl: string
  readonly outcome: 'read again' | 'nothing'
  /** Kind of the table that it is done to. */
  readonly on: 'table' | 'partitioned table'
  readonly statements: readonly string[]
  /** First major version that knows it. */
  readonly since?: number
}

/** Tables, types and publications of one case, in a schema of its own, which is the search path. */
export const caseSchema = [
  `create type tariff as enum ('basic', 'premium')`,
  'create domain tier as tariff',
  `create table patients (id int primary key, code text not null, plan tariff, tier tier, tiers tariff[], visits int, calls text)`,
  `insert into patients values (1, 'a', 'basic', 'basic', '{basic}', 1, '1'), (2, 'b', 'premium', 'basic', '{premium}', 2, '2')`,
  `create table parted (id int, region int, code text, calls text, primary key (id, region)) partition by list (region)`,
  'create table parted_1 partition of parted for values in (1)',
  'create table parted_2 partition of parted for values in (2)',
  'create table parted_3 (like parted including all)',
  `insert into parted values (1, 1, 'a', '1'), (2, 2, 'b', '2')`,
  `insert into parted_3 values (3, 3, 'c', '3')`,
] as const

/** Columns that the mapping reads. */
export const readColumns = {
  table: ['id', 'code', 'plan', 'tier', 'tiers'],
  'partitioned table': ['id', 'region', 'code'],
}

const table = (ddl: string, outcome: DdlCase['outcome'], ...statements: string[]): DdlCase => {
  return { ddl, outcome, on: 'table', statements }
}
const parted = (ddl: string, outcome: DdlCase['outcome'], ...statements: string[]): DdlCase => {
  return { ddl, outcome, on: 'partitioned table', statements }
}

/** The cases of `docs/altered-tables.md`, in its order. PUBLICATION stands for the publication of the case. */
export const ddlCases: readonly DdlCase[] = [
  table('`VACUUM`, `ANALYZE`', 'nothing', 'vacuum analyze patients'),
  table('`VACUUM FULL`', 'nothing', 'vacuum full patients'),
  table('`CLUSTER`', 'nothing', 'cluster patients using patients_pkey'),
  table('`REINDEX CONCURRENTLY`', 'nothing', 'reindex table concurrently patients'),
  table(
    '`CREATE INDEX`, `ADD CONSTRAINT … CHECK`',
    'nothing',
    'create index on patients (code)',
    'alter table patients add check (id > 0)',
  ),
  table(
    '`GRANT` on the table or on a column that is read',
    'nothing',
    'grant select on patients to public',
    'grant select (code) on patients to public',
  ),
  table('`COMMENT`', 'nothing', `comment on column patients.code is 'code'`, `comment on table patients is 'patients'`),
  table(
    '`ALTER COLUMN … SET DEFAULT`, `SET NOT NULL`, `SET STATISTICS`, `SET STORAGE` of a column that is read',
    'nothing',
    `alter table patients alter column code set default 'x', alter column plan set not null, alter column code set statistics 5`,
    'alter table patients alter column code set storage external',
  ),
  table(
    '`OWNER TO`',
    'nothing',
    'create role owner_of_case',
    'alter table patients owner to owner_of_case',
    'reassign owned by owner_of_case to current_user',
    'drop role owner_of_case',
  ),
  table(
    '`ADD COLUMN`, with a volatile default too',
    'nothing',
    'alter table patients add column height int default 170, add column seen timestamptz default clock_timestamp()',
  ),
  table(
    '`DROP COLUMN`, `RENAME COLUMN`, `ALTER COLUMN … TYPE` of a column that is not read',
    'nothing',
    'alter table patients drop column visits',
    'alter table patients rename column calls to contacts',
    'alter table patients alter column contacts type int using contacts::int',
  ),
  table('`ALTER TYPE … ADD VALUE`', 'nothing', `alter type tariff add value 'gold' before 'premium'`),
  table('`TRUNCATE` of the table, which the stream shows', 'nothing', 'truncate patients'),
  table(
    '`ALTER COLUMN … TYPE` of a column that is read',
    'read again',
    'alter table patients alter column code type varchar(20)',
  ),
  table(
    'the same, and back in one transaction',
    'read again',
    'begin; alter table patients alter column id type text; alter table patients alter column id type int using -id::int; commit',
  ),
  table(
    '`ALTER TYPE … RENAME VALUE` of a column that is read',
    'read again',
    `alter type tariff rename value 'premium' to 'gold'`,
  ),
  table(
    'the same, and back',
    'read again',
    `alter type tariff rename value 'premium' to 'gold'`,
    `alter type tariff rename value 'gold' to 'premium'`,
  ),
  table(
    '`DROP COLUMN` and `ADD COLUMN` of a column that is read',
    'read again',
    `begin; alter table patients drop column plan cascade; alter table patients add column plan tariff; commit`,
  ),
  table(
    'exchange of the table by `RENAME`, or restore of the table by `DROP` and `CREATE`',
    'read again',
    'begin; alter table patients rename to patients_old; create table patients (like patients_old including all); insert into patients select * from patients_old; commit',
  ),
  table('another `PRIMARY KEY` or `REPLICA IDENTITY`', 'read again', 'alter table patients replica identity full'),
  table(
    '`ALTER PUBLICATION … DROP TABLE`, and `ADD TABLE`',
    'read again',
    'begin; alter publication PUBLICATION drop table patients; alter publication PUBLICATION add table patients; commit',
  ),
  table(
    '`ALTER PUBLICATION … SET (publish = …)`, and back',
    'read again',
    `begin; alter publication PUBLICATION set (publish = 'insert'); alter publication PUBLICATION set (publish = 'insert, update, delete, truncate'); commit`,
  ),
  {
    ...table(
      '`ALTER PUBLICATION … DROP TABLES IN SCHEMA`, and `ADD`',
      'read again',
      'begin; alter publication PUBLICATION drop tables in schema SCHEMA; alter publication PUBLICATION add tables in schema SCHEMA; commit',
    ),
    since: 15,
  },
  table(
    '`SET UNLOGGED`, and `SET LOGGED`, of a table that the publication does not list',
    'read again',
    `begin; alter table patients set unlogged; update patients set code = code || '!'; alter table patients set logged; commit`,
  ),
  parted(
    '`VACUUM FULL` or `CLUSTER` of a partition',
    'nothing',
    'vacuum full parted_1',
    'cluster parted_2 using parted_2_pkey',
  ),
  parted('`REINDEX CONCURRENTLY`', 'nothing', 'reindex table concurrently parted'),
  parted(
    '`CREATE TABLE … PARTITION OF`, `ATTACH PARTITION` of an empty table',
    'nothing',
    'create table parted_4 partition of parted for values in (4)',
    'create table parted_5 (like parted including all)',
    'alter table parted attach partition parted_5 for values in (5)',
  ),
  parted('`ADD COLUMN` without a rewrite', 'nothing', 'alter table parted add column height int default 170'),
  parted(
    '`ATTACH PARTITION` of a table with rows',
    'read again',
    'alter table parted attach partition parted_3 for values in (3)',
  ),
  parted(
    '`DETACH PARTITION`, `DROP TABLE` of a partition',
    'read again',
    'alter table parted detach partition parted_1',
  ),
  parted(
    '`DETACH PARTITION`, and `ATTACH PARTITION` in one transaction',
    'read again',
    `begin; alter table parted detach partition parted_1; update parted_1 set code = 'x'; alter table parted attach partition parted_1 for values in (1); commit`,
  ),
  parted(
    'exchange of a partition by `RENAME`, or restore of one',
    'read again',
    `begin; alter table parted detach partition parted_1; alter table parted_1 rename to parted_old; create table parted_1 (like parted including all);
      insert into parted_1 values (1, 1, 'x', '1'); alter table parted attach partition parted_1 for values in (1); commit`,
  ),
  parted('`TRUNCATE` of a partition', 'read again', 'truncate parted_1'),
  parted(
    'the same, in the transaction that fills it again',
    'read again',
    `begin; truncate parted_1; insert into parted values (9, 1, 'x', '1'); commit`,
  ),
  parted(
    '`SET UNLOGGED`, and `SET LOGGED`, of a partition',
    'read again',
    `begin; alter table parted_1 set unlogged; update parted_1 set code = 'x'; alter table parted_1 set logged; commit`,
  ),
  parted(
    'a rewrite of a partition (`ALTER COLUMN … TYPE`, `SET ACCESS METHOD`, pg_repack)',
    'read again',
    'alter table parted alter column calls type int using calls::int',
  ),
]
