import { describe, expect, test } from 'vitest'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { patientsTable, startConnector } from '../../support/connector.ts'

const long = (letter: string) => JSON.stringify({ note: letter.repeat(10_000) })
/** Stored out of line and not compressed, so that an update of another column leaves the value out. */
const schema = `${patientsTable} alter table patients alter column meta set storage external;`

test('an update of another column leaves an unchanged long value unchanged', async () => {
  await using connector = await startConnector({ schema })
  const { database } = connector
  await database.query(`insert into patients (code, meta) values ('jane', $1)`, [long('x')])
  await connector.whenPatient('jane')

  await database.query(`update patients set first_name = 'Janet' where code = 'jane'`)
  const janet = await connector.whenPatient('jane', (patient) => patient.first_name === 'Janet')
  expect(JSON.stringify(janet.meta)).toBe(long('x'))
})

test('a long value that arrived before a restart is read from the table', async () => {
  await using connector = await startConnector({ schema: `${schema} insert into patients (code) values ('jane');` })
  const { database } = connector
  await database.query(`update patients set meta = $1`, [long('x')])
  await connector.whenPatient('jane')
  await connector.stop()
  connector.sandbox.reset()

  await using restarted = await startConnector({ database, sandbox: connector.sandbox })
  await database.query(`update patients set first_name = 'Janet'`)
  const janet = await restarted.whenPatient('jane')
  expect(JSON.stringify(janet.meta)).toBe(long('x'))
})

test('a long value that waits to be sent survives an update of another column', async () => {
  await using connector = await startConnector({ schema })
  const { database, sandbox } = connector
  sandbox.faults.add({ kind: 'down' })
  await database.query(`insert into patients (code, meta) values ('jane', $1)`, [long('x')])
  await database.query(`update patients set meta = $1`, [long('y')])
  await database.query(`update patients set first_name = 'Janet'`)
  sandbox.faults.clear()

  const janet = await connector.whenPatient('jane', (patient) => patient.first_name === 'Janet')
  expect(JSON.stringify(janet.meta)).toBe(long('y'))
})

test('a long value that was set to NULL is cleared', async () => {
  await using connector = await startConnector({ schema })
  const { database } = connector
  await database.query(`insert into patients (code, meta) values ('jane', $1)`, [long('x')])
  await connector.whenPatient('jane', ({ meta }) => meta !== null)
  await database.query(`update patients set meta = null`)
  await connector.whenPatient('jane', ({ meta }) => meta === null)
})

const change: Readonly<Record<string, string>> = {
  'an update of another column': `update patients set first_name = 'Janet'`,
  'a changed key': `update patients set id = 70, first_name = 'Janet'`,
  'a changed code': `update patients set code = 'janet', first_name = 'Janet'`,
  'two updates, of which the first changes the key': `update patients set id = 70; update patients set first_name = 'Janet'`,
  'an update, and a new long value': `update patients set first_name = 'Janet'; update patients set meta = '{"note": "short"}'`,
  'an update, and the end of the row': `update patients set first_name = 'Janet'; delete from patients`,
  'an update that is undone by a new row of the same key': `update patients set first_name = 'Mary'; delete from patients;
    insert into patients (id, code, first_name, meta) values (7, 'other', 'Janet', '{"note": "short"}')`,
}

describe.concurrent.each(['default', 'full'])('with replica identity %s, after a restart', (identity) => {
  test.each(Object.entries(change))('%s neither clears nor loses an unchanged long value', async (_, sql) => {
    await using connector = await startConnector({
      schema: `create table patients (id int primary key, code text not null, first_name text default 'Jane', last_name text,
          gender text default 'female', birth_date date default '1980-01-01', email text, plan text default 'premium', meta jsonb);
        alter table patients alter column meta set storage external;
        alter table patients replica identity ${identity};`,
      config: { source: { onDelete: 'unsubscribe' } },
    })
    const { database, sandbox } = connector
    await database.query(`insert into patients (id, code, meta) values (7, 'jane', $1)`, [long('x')])
    await connector.whenPatient('jane')
    await connector.stop()
    await using restarted = await startConnector({ database, sandbox, config: { source: { onDelete: 'unsubscribe' } } })
    await database.query(sql)
    await expectBothEndsEqual(restarted)
    const wanted = await database.query('select code, meta from patients')
    const stored = [...sandbox.patients().values()].filter(({ unsubscribed_at }) => unsubscribed_at === null)
    expect(stored.map(({ code, meta }) => ({ code, meta }))).toEqual(
      wanted.map(({ code, meta }) => ({ code, meta: JSON.parse(meta ?? 'null') })),
    )
  })
})
