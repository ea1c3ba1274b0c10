import { describe, expect, test } from 'vitest'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { startConnector } from '../../support/connector.ts'
import { testDatabase } from '../../support/postgres.ts'

/** Rows without a unique code. */
const schema = `create table patients (
  id int primary key, code text not null, first_name text not null, last_name text, gender text not null default 'female',
  birth_date date not null default '1980-01-01', email text, plan text default 'premium')`

/** Ways in which the second row of a pair gives up its code: each pair has the code of the way's name. */
const ways = [
  { code: 'moved', sql: `update patients set code = 'moved away' where code = 'moved' and first_name = 'Eva'` },
  { code: 'deleted', sql: `delete from patients where code = 'deleted' and first_name = 'Eva'` },
  {
    code: 'rekeyed',
    sql: `update patients set id = id + 1000, code = 'away' where code = 'rekeyed' and first_name = 'Eva'`,
  },
]

describe.each(['ignore', 'unsubscribe'] as const)('two rows with one code, onDelete: %s', (onDelete) => {
  test('mediQuo has the other row once one of them gives the code up, though memory knows neither of them', async () => {
    await using database = await testDatabase({ schema })
    await using sandbox = await testSandbox()
    const settings = { database, sandbox, config: { source: { onDelete } } }
    const first = await startConnector(settings)
    for (const name of ['Ana', 'Eva']) {
      await database.query(
        `insert into patients (id, code, first_name)
        select (select count(*) from patients) + n, code, $1 from unnest($2::text[]) with ordinality as c(code, n)`,
        [name, ways.map(({ code }) => code)],
      )
      for (const { code } of ways) await first.whenPatient(code, ({ first_name }) => first_name === name)
      await first.whenSettled()
    }
    await first.stop()
    await using second = await startConnector(settings)
    for (const { sql } of ways) await database.query(sql)
    for (const { code } of ways) await second.whenPatient(code, ({ first_name }) => first_name === 'Ana')
    await second.whenSettled()
    const there = [...sandbox.patients().values()].filter(({ unsubscribed_at }) => unsubscribed_at === null)
    const shown = new Map(there.map(({ code, first_name }) => [code, first_name]))
    expect(ways.map(({ code }) => shown.get(code))).toEqual(ways.map(() => 'Ana'))
    if (onDelete === 'unsubscribe') await expectBothEndsEqual(second)
  })
})
