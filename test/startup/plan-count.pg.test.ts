import { describe, expect, test } from 'vitest'
import { compileMapping } from '../../src/mapping/compile.ts'
import type { AttributeSource } from '../../src/model/patient/mapping.ts'
import { countPlans, planCountInWords } from '../../src/startup/requirements/plan-count.ts'
import { column, constant } from '../mapping/sources.ts'
import { type OpenTable, openTable } from '../source/table/open-table.ts'
import { publish } from '../support/postgres/library-stream.ts'
import { postgresMajor, testDatabase } from '../support/postgres.ts'

const code = column('id')
const schema = `create extension if not exists citext;
  create table patients (id int primary key, tier text, fixed char(6), active bool, spelling citext, wide text);
  insert into patients select n, case when n > 10 then 'gold' when n > 5 then ' ' end, case when n > 10 then 'gold' end, n > 10,
    case when n > 10 then 'gold' when n > 5 then 'GOLD' else 'none' end, repeat('x', 300) || n from generate_series(1, 30) n;`

async function count(table: OpenTable, plan: AttributeSource, ms = 10_000, transform: 'keeps' | null = null) {
  const { columns } = table.readable
  const compiled = compileMapping(
    { code, first_name: column('id'), plan },
    {
      columns,
      requiredAttributes: ['code', 'first_name'],
      transform: transform === null ? null : { apply: (_row, patient) => patient, contentHash: 'h' },
    },
  )
  const { pool, readable } = table
  return await countPlans(pool, readable, { plan: compiled.plan, ms })
}

describe('the count of plans', () => {
  test.each<[string, AttributeSource, object]>([
    ['a text, null and blank', column('tier'), { plan: 20, none: 10 }],
    ['a padded column with a value table', column('fixed', { values: { gold: 'premium' } }), { plan: 20, none: 10 }],
    // As the stream writes it: t, and not true.
    ['a boolean column', column('active', { values: { t: 'premium', f: null } }), { plan: 20, none: 10 }],
    // Equal to PostgreSQL, and different in a value table.
    [
      'texts that are equal without regard to case',
      column('spelling', { values: { gold: 'premium', none: null } }),
      { plan: 20, none: 5, invalid: 5 },
    ],
    ['a constant', constant('premium'), { plan: 30 }],
    ['a constant of null', constant(null), { none: 30 }],
    ['long texts', column('wide'), { plan: 30 }],
  ])('covers the whole table: %s', async (_what, plan, verdicts) => {
    await using database = await testDatabase({ schema })
    await using table = await openTable(database)
    const empty = { plan: 0, none: 0, missing: 0, invalid: 0, unsent: 0 }
    expect(await count(table, plan)).toEqual({ rows: 30, isWhole: true, verdicts: { ...empty, ...verdicts } })
  })

  test.skipIf(postgresMajor < 15)('leaves out the rows that the publication does not stream', async () => {
    await using database = await testDatabase({ schema })
    await publish(database, 'table patients where (id > 8)')
    await using table = await openTable(database)
    expect(await count(table, column('tier'))).toMatchObject({ rows: 22, verdicts: { plan: 20, none: 2 } })
    expect(await count(table, column('tier'), 10_000, 'keeps')).toMatchObject({ rows: 22, verdicts: { none: 2 } })
  })

  test('looks at some rows of a table that has too many plans', async () => {
    await using database = await testDatabase({
      schema: `create table patients (id int primary key, tier text); insert into patients select n, 'p' || n from generate_series(1, 3000) n`,
    })
    await using table = await openTable(database)
    const found = await count(table, column('tier'))
    expect(found).toMatchObject({ rows: 1000, isWhole: false, verdicts: { plan: 1000 } })
    expect(found && planCountInWords(found)).toBe('none of the 1,000 rows that were looked at is without a plan')
  })

  test('gives up when its time has run out, and leaves no session behind that waits', async () => {
    await using database = await testDatabase({ schema })
    await using table = await openTable(database)
    const locking = await table.pool.connect()
    try {
      await locking.query('begin; lock table public.patients in access exclusive mode')
      expect(await count(table, column('tier'), 100)).toBeNull()
      await locking.query('commit')
    } finally {
      locking.release()
    }
    expect(await count(table, column('tier'))).toMatchObject({ rows: 30 })
  })

  test('with a transform looks at fewer rows the larger they are', async () => {
    await using database = await testDatabase({
      schema: `create table patients (id int primary key, tier text);
        insert into patients select n, repeat('x', 10000) from generate_series(1, 500) n`,
    })
    await using table = await openTable(database)
    const found = await count(table, column('tier'), 10_000, 'keeps')
    expect(found).toMatchObject({ isWhole: false })
    expect(found?.rows).toBeLessThan(110)
  })
})
