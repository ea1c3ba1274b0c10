import { expect, test } from 'vitest'
import { testSandbox } from '../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { startConnector } from '../support/connector.ts'
import { passingClocks } from '../support/passing-clocks.ts'
import { testDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const config = { source: { backfill: 'initial', onDelete: 'unsubscribe' }, mediquo: { requestTimeout: '1s' } } as const

const schema = `create table patients (
  id int primary key, code text unique, first_name text, last_name text, gender text default 'female',
  birth_date date default '1980-01-01', email text, plan text default 'premium');
  insert into patients (id, code, first_name) values (1, 'jane', 'Old')`

test.each([
  { name: 'the row is sent again', sql: `update patients set first_name = 'New' where id = 1` },
  {
    name: 'another row has the code by then',
    sql: `update patients set code = 'joan' where id = 1; insert into patients (id, code, first_name) values (2, 'jane', 'New')`,
  },
])('a request of a backfill that is applied long after its process ended is noticed: $name', async ({ sql }) => {
  await using database = await testDatabase({ schema })
  await using sandbox = await testSandbox()
  sandbox.faults.add({ kind: 'hold', id: 'held', endpoint: 'put', when: 'before applying' })
  const first = await startConnector({ database, sandbox, config, waitFor: null })
  await sandbox.faults.whenHeld('held')
  // What the stream brings is settled in the meantime, and the checkpoint passes H.
  await database.query(`create table other (id int)`)
  await first.stop()
  const [noted] = await database.query('select code, fingerprint from mediquo_cdc.delivery')
  expect(noted).toEqual({ code: 'jane', fingerprint: null })

  const clocks = passingClocks()
  await using second = await startConnector({ database, sandbox, config, clocks, waitFor: null })
  await second.whenState('streaming')
  await database.query(sql)
  await second.whenPatient('jane', ({ first_name }) => first_name === 'New')
  await second.whenSettled()
  sandbox.faults.release('held')
  await second.whenPatient('jane', ({ first_name }) => first_name === 'Old')
  await until(async () => {
    clocks.pass(5_000)
    await database.query(`insert into other values (1)`)
    return sandbox.patients().get('jane')?.first_name === 'New'
  })
  await expectBothEndsEqual(second)
})
