import type pg from 'pg'
import { expect, test } from 'vitest'
import { patientsTable, startConnector } from '../support/connector.ts'
import { synchronousServer } from '../support/postgres/synchronous-server.ts'
import { until } from '../support/until.ts'

const rows = `insert into patients (code, first_name) values ('gap', 'Old'), ('one', 'Old'), ('two', 'Old')`

test('reads a commit that the new slot does not stream and that becomes visible only later', async () => {
  await using server = await synchronousServer(`${patientsTable} ${rows}`)
  const { database } = server
  await server.holdCommits()
  // The creation of the slot waits for the first transaction, then for those that began in the meantime. Commits in between are in the gap.
  const first = await openTransaction(await server.writer(), 'one')
  await using connector = await startConnector({
    database,
    config: { source: { backfill: 'initial' } },
    waitFor: null,
  })
  await whenWaitedFor(first)
  const second = await openTransaction(await server.writer(), 'two')
  await first.client.query('rollback')
  await whenWaitedFor(second)
  const writer = await server.writer()
  const committed = writer.query(`update patients set first_name = 'New' where code = 'gap'`)
  await server.whenHeld(1)
  await second.client.query('rollback')
  // The first state is shorter than a look at it: the backfill starts as soon as it streams, and waits.
  await connector.whenLogged('backfill started')

  // Live changes go on in the meantime, and a read shows what every session sees.
  await database.query(`update patients set first_name = 'New' where code = 'one'`)
  await connector.whenPatient('one', ({ first_name }) => first_name === 'New')
  expect(await database.query(`select first_name from patients where code = 'gap'`)).toEqual([{ first_name: 'Old' }])
  expect([...connector.sandbox.patients().keys()]).toEqual(['one'])

  await server.releaseCommits()
  await committed
  await connector.whenPatient('gap', ({ first_name }) => first_name === 'New')
  await connector.whenPatient('two')
  expect(connector.sandbox.requests.filter(({ codes }) => codes.includes('gap'))).toHaveLength(1)

  /** Resolves once a session waits for the transaction to end. */
  async function whenWaitedFor({ xid }: OpenTransaction): Promise<void> {
    await until(async () => {
      const [row] = await database.query(
        `select count(*) from pg_locks where not granted and transactionid::text = $1`,
        [xid],
      )
      return Number(row?.count) > 0
    })
  }
})

interface OpenTransaction {
  readonly client: pg.Client
  readonly xid: string
}

async function openTransaction(client: pg.Client, code: string): Promise<OpenTransaction> {
  await client.query('begin')
  await client.query(`update patients set visits = visits + 1 where code = $1`, [code])
  const { rows } = await client.query<{ xid: string }>(
    'select (pg_current_xact_id()::text::bigint % (1::bigint << 32))::text as xid',
  )
  return { client, xid: rows[0]?.xid ?? '' }
}
