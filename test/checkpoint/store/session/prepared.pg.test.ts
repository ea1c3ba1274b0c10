import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { testDatabase } from '../../../support/postgres.ts'
import { begun, record, row } from '../store-scene.ts'

/** Name, and number of executions with a plan of their own and with a plan that is kept, of each prepared statement. */
interface PreparedStatement extends Record<string, unknown> {
  readonly name: string
  readonly custom: number
  readonly generic: number
}

test('statements that requests wait for are parsed once a session, and planned for the table as it is', async () => {
  await using database = await testDatabase()
  await using state = await begun(database)
  for (let at = 1; at <= 8; at++) {
    await record(state.store, [row(`a${at}`)])
    await state.store.loadRecords([row(`a${at}`).key])
  }
  // One at a time, they all ran in the first session of the pool.
  const { rows } = await state.db.execute<PreparedStatement>(
    sql`select name, custom_plans::int as custom, generic_plans::int as generic from pg_prepared_statements order by name`,
  )
  expect(rows.map(({ custom, generic }) => ({ custom, generic }))).toEqual([
    { custom: 8, generic: 0 },
    { custom: 8, generic: 0 },
  ])
  for (const { name } of rows) expect(name).toMatch(/^mediquo_cdc_[0-9a-f]{32}$/)
})
