import { describe, expect, test } from 'vitest'
import { defaultKeys } from '../../../src/sandbox/sandbox-state.ts'
import { runCommand } from '../../cli/run-command.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { startConnector } from '../../support/connector.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { type HarmfulTable, harmfulTables, writeEveryRow } from './harmful-tables.ts'

async function expectNothingCreated(database: TestDatabase): Promise<void> {
  expect(await database.query('select pubname from pg_publication')).toEqual([])
  expect(
    await database.query('select slot_name from pg_replication_slots where database = current_database()'),
  ).toEqual([])
}

const sourceOf = ({ where }: HarmfulTable) => ({ source: where === undefined ? {} : { where } })

describe.each(harmfulTables)('$name', (harmful) => {
  test('is refused by run with the words of the server, and writes go on', async () => {
    await using database = await testDatabase({ schema: harmful.schema })
    await expect(startConnector({ database, config: sourceOf(harmful) })).rejects.toMatchObject({
      kind: 'check failed',
      message: expect.stringContaining(harmful.says),
    })
    await expectNothingCreated(database)
    await writeEveryRow(database)
  })

  test('is refused by check with the words of the server, and writes go on', async () => {
    await using database = await testDatabase({ schema: harmful.schema })
    await using sandbox = await testSandbox()
    const { status, text } = await runCommand(
      ['check', '--json'],
      { database, ...sourceOf(harmful) },
      {
        MEDIQUO_API_KEY: defaultKeys.apiKey,
        MEDIQUO_SECRET_KEY: defaultKeys.secretKey,
        MEDIQUO_BASE_URL: sandbox.baseUrl,
      },
    )
    expect(status).toBe(3)
    expect(JSON.parse(text)).toContainEqual({
      requirement: 'the application can update and delete',
      met: false,
      detail: expect.stringContaining(harmful.says),
      fix: expect.stringContaining('ALTER TABLE'),
    })
    await expectNothingCreated(database)
    await writeEveryRow(database)
  })

  test('is not published by setup, and writes go on', async () => {
    await using database = await testDatabase({ schema: harmful.schema })
    const setup = runCommand(['setup', '--apply'], { database, ...sourceOf(harmful) })
    const outcome = await setup.then(
      ({ status, text }) => ({ status, text }),
      (error: unknown) => ({ status: 3, text: String(error) }),
    )
    expect(outcome).toMatchObject({ status: 3, text: expect.stringMatching(/by hand|PostgreSQL refuses/) })
    await expectNothingCreated(database)
    await writeEveryRow(database)
  })
})
