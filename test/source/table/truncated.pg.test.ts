import { describe, expect, test } from 'vitest'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { type RunningConnector, startConnector } from '../../support/connector.ts'
import { dropSlot } from '../../support/postgres/drop-slot.ts'
import { shortIntervals } from '../../support/short-intervals.ts'
import { until } from '../../support/until.ts'

const attributes = `code text not null, first_name text not null default 'Jane', last_name text,
  gender text not null default 'female', birth_date date not null default '1980-01-01', email text, plan text default 'premium'`
const plain = `create table patients (id serial primary key, ${attributes});`
const clinics = `create table clinics (id int primary key); insert into clinics values (1);
  create table patients (id serial primary key, clinic int not null default 1 references clinics, ${attributes});`
const parted = `create table patients (id serial, region int not null default 1, ${attributes}, primary key (id, region))
    partition by list (region);
  create table patients_1 partition of patients for values in (1);
  create table patients_2 partition of patients for values in (2);`
const fill = (codes: string) => `insert into patients (code) select 'p' || n from generate_series(${codes}) n;`
const unsubscribe = { source: { onDelete: 'unsubscribe', backfill: 'initial' } }

/** The store forgets rows that are gone soon after their transaction. */
const intervals = { ...shortIntervals, core: { ...shortIntervals.core, forgetMs: 500 } }

/** Starts a connector that has delivered the patients p1 to p5. */
async function delivered(schema = plain, config: typeof unsubscribe | object = unsubscribe): Promise<RunningConnector> {
  const connector = await startConnector({ schema: schema + fill('1, 5'), config: { ...config }, intervals })
  await expectBothEndsEqual(connector)
  return connector
}

/** Number of times that a patient was sent without a plan. */
const unsubscriptions = ({ sandbox }: RunningConnector) =>
  [...sandbox.patients().values()].filter(({ unsubscribed_at }) => unsubscribed_at !== null).length

/** Resolves once the store has no more records than the table has rows, apart from those of patients who are gone. */
const whenStoreIsNoLarger = ({ database }: RunningConnector) =>
  until(async () => {
    const [found] = await database.query(`
      select (select count(*) from mediquo_cdc.delivery d
          where not removed or code is null or exists (select from patients p where p.code = d.code))
        <= (select count(*) from patients) as is_so`)
    return found?.is_so === 't'
  })

describe.concurrent('a table that is truncated', () => {
  test.each<[name: string, schema: string, reload: readonly string[]]>([
    ['by the transaction that fills it again', plain, [`begin; truncate patients; ${fill('1, 5')} commit`]],
    ['twice', plain, [`truncate patients; ${fill('1, 3')}`, `begin; truncate patients; ${fill('1, 5')} commit`]],
    ['before later transactions fill it again', plain, ['truncate patients', fill('1, 2'), fill('3, 5')]],
    [
      'as a table that refers to another',
      clinics,
      [
        `begin; truncate clinics restart identity cascade; insert into clinics values (1);
        select setval('patients_id_seq', 100); ${fill('1, 5')} commit`,
      ],
    ],
    ['as a partitioned table', parted, [`begin; truncate patients; ${fill('1, 5')} commit`]],
    [
      'a partition alone, which the stream does not show',
      parted,
      [`begin; truncate patients_1; ${fill('1, 5')} commit`],
    ],
    ['in fact by DELETE', plain, [`begin; delete from patients; ${fill('1, 5')} commit`]],
  ])('%s, under other keys: nobody is unsubscribed, and a later delete is', async (_, schema, reload) => {
    await using connector = await delivered(schema)
    const { database } = connector
    await database.query('alter sequence patients_id_seq restart with 50')
    const ended = connector.sandbox.requests.length
    for (const statements of reload) await database.query(statements)
    await connector.whenSettled()
    await expectBothEndsEqual(connector)
    expect(unsubscriptions(connector)).toBe(0)
    await database.query(`delete from patients where code = 'p1'`)
    await expectBothEndsEqual(connector)
    expect([unsubscriptions(connector), connector.sandbox.requests.length > ended]).toEqual([1, true])
    await whenStoreIsNoLarger(connector)
  })

  test('with fewer patients afterwards: those who are gone are unsubscribed', async () => {
    await using connector = await delivered()
    await connector.database.query(`begin; truncate patients; ${fill('3, 7')} commit`)
    await expectBothEndsEqual(connector)
    expect(unsubscriptions(connector)).toBe(2)
  })

  test.each(['stopped', 'stopped, and its slot is lost'])('while the connector is %s', async (when) => {
    await using connector = await delivered()
    const { database, sandbox, slot } = connector
    await connector.stop()
    await database.query(`truncate patients; ${fill('2, 6')}`)
    if (when !== 'stopped') await dropSlot(database, slot)
    await using again = await startConnector({ database, sandbox, config: unsubscribe, intervals })
    await expectBothEndsEqual(again)
    await database.query(`delete from patients where code = 'p2'`)
    await expectBothEndsEqual(again)
    await whenStoreIsNoLarger(again)
  })

  test('and stays empty keeps its patients, until it has rows again', async () => {
    await using connector = await delivered()
    const { database } = connector
    await database.query('truncate patients')
    await connector.whenLogged('the table is empty: the backfill begins once it has rows')
    expect(unsubscriptions(connector)).toBe(0)
    await database.query(fill('4, 6'))
    await expectBothEndsEqual(connector)
    expect(unsubscriptions(connector)).toBe(3)
  })

  test('is left alone by onTruncate: ignore, and so is a partition', async () => {
    const source = { ...unsubscribe.source, onTruncate: 'ignore' }
    await using connector = await delivered(parted, { source })
    const { database } = connector
    await database.query(`begin; truncate patients; ${fill('4, 5')} commit`)
    await connector.whenLogged('TRUNCATE ignored: the patients stay as they are')
    await database.query(`begin; truncate patients_1; ${fill('5, 6')} commit`)
    await connector.whenPatient('p6')
    await connector.whenLogged('the table was altered, a backfill follows')
    await connector.whenState('streaming')
    await until(async () => (await connector.status()).backfill.state === 'done')
    expect(unsubscriptions(connector)).toBe(0)
  })

  test('together with other tables of the publication counts, and another table alone does not', async () => {
    await using connector = await delivered(
      `${plain} create table visits (id int); create publication mediquo_cdc for table patients, visits;`,
    )
    const { database, log } = connector
    const truncations = () =>
      log.filter(({ msg }) => msg === 'table truncated, a backfill looks for the rows that are gone')
    await database.query('truncate visits')
    await connector.whenSettled()
    expect(truncations()).toHaveLength(0)
    await database.query(`begin; truncate visits, patients; ${fill('2, 3')} commit`)
    await expectBothEndsEqual(connector)
    expect(truncations()).toHaveLength(1)
  })
})

test('under onDelete: ignore the store does not grow with a table that is filled under other keys each night', async () => {
  await using connector = await startConnector({
    schema: plain + fill('1, 5'),
    config: { source: { backfill: 'initial' } },
  })
  await expectBothEndsEqual(connector)
  for (let nights = 3; nights > 0; nights--) {
    await connector.database.query(`begin; truncate patients; ${fill('1, 5')} commit`)
    await connector.whenSettled()
  }
  await whenStoreIsNoLarger(connector)
  await expectBothEndsEqual(connector)
})
