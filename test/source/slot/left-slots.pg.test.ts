import { expect, test } from 'vitest'
import { runCommand } from '../../cli/run-command.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { testDatabase } from '../../support/postgres.ts'

const orphanedSlot = 'MQ1205'

async function makeSlot(query: (sql: string, values: string[]) => Promise<unknown>, name: string, plugin = 'pgoutput') {
  await query('select pg_create_logical_replication_slot($1, $2)', [name, plugin])
}

test('an orphaned slot is named at the start, in the status and by check, with its retained WAL and the statement that drops it', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  const left = `mediquo_cdc_${database.name}`
  await makeSlot(database.query, left)
  await database.query(`select pg_logical_emit_message(false, 'a', repeat('x', 3000000))`)
  await using connector = await startConnector({ database })
  const fix = `SELECT pg_drop_replication_slot('${left}');`

  const line = await connector.whenRaised(orphanedSlot)
  expect(line).toMatchObject({ level: 40, slot: left, commands: [fix] })
  expect(line.retainedBytes).toBeGreaterThan(3_000_000)
  expect((await connector.status()).problems).toEqual([
    expect.objectContaining({
      code: orphanedSlot,
      detail: expect.stringMatching(`^the replication slot ${left} is used by nobody and retains .+ MB of WAL$`),
      fix: expect.stringContaining(fix.replace(';', '')),
    }),
  ])

  const keys = {
    MEDIQUO_BASE_URL: connector.sandbox.baseUrl,
    MEDIQUO_API_KEY: 'test-api-key',
    MEDIQUO_SECRET_KEY: 'test-secret-key',
  }
  const checked = await runCommand(['check'], { database }, keys)
  expect(checked.text).toMatch(`warning no slot is left behind: the replication slot ${left} is used by nobody`)
  expect(checked.text).toContain(fix)
  const { status, text } = await runCommand(['check', '--json'], { database }, keys)
  expect([status, JSON.parse(text).at(-1)]).toEqual([
    checked.status,
    expect.objectContaining({ met: false, severity: 'warns', fix }),
  ])
})

test('a connector with a new slot and a new checkpoint store names its earlier slot', async () => {
  await using database = await testDatabase({ schema: patientsTable })
  await using sandbox = await testSandbox()
  const before = await startConnector({ database, sandbox })
  await before.stop()
  const config = { source: { slot: `other_${database.name}` }, state: { schema: 'another' } }
  await using connector = await startConnector({ database, sandbox, config })
  expect(await connector.whenRaised(orphanedSlot)).toMatchObject({ slot: before.slot })
})

test('slots that are in use, of another plugin, or of another name, are ignored', async () => {
  await using first = await startConnector()
  const { database } = first
  await makeSlot(database.query, `their_own_${database.name}`)
  await makeSlot(database.query, `mediquo_cdc_${database.name}`, 'test_decoding').catch(() => undefined)
  const config = { source: { slot: `mediquo_cdc_2_${database.name}` }, state: { schema: 'another' } }
  await using second = await startConnector({ database, config })
  await second.whenAcknowledged()
  expect((await second.status()).problems).toEqual([])
  expect(second.log.filter(({ code }) => code === orphanedSlot)).toEqual([])
})

test('stopping a connector reports that its slot stays', async () => {
  await using connector = await startConnector()
  await connector.database.query(`insert into patients (code) values ('jane')`)
  await connector.whenPatient('jane')
  await connector.stop()
  const line = connector.log.find(({ msg }) => msg.startsWith('the replication slot stays'))
  expect(line).toMatchObject({ level: 30, slot: connector.slot, retainedBytes: expect.any(Number) })
  expect(line?.msg).toContain('mediquo-cdc teardown')
})
