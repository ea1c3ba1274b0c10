import { describe, expect, test } from 'vitest'
import { runCommand } from '../cli/run-command.ts'
import { testSandbox } from '../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { patientsTable, startConnector } from '../support/connector.ts'
import { until } from '../support/until.ts'

const config = { source: { onDelete: 'unsubscribe' } }
const letters = `select source_key as key, code, reason, status from mediquo_cdc.dead_letter order by 1`

describe.concurrent('a code whose unsubscription is refused', () => {
  const moved = async () => {
    const sandbox = await testSandbox()
    const schema = patientsTable.replace('code text primary key', 'id int primary key, code text not null')
    const row = `insert into patients (id, code, plan) values (1, 'old', 'premium'), (2, 'other', 'premium');`
    const connector = await startConnector({ schema, sandbox, config })
    await connector.database.query(row)
    await connector.whenPatient('old')
    sandbox.reject({ codes: ['old'] })
    return { ...connector, sandbox }
  }

  test('does not hold up the new version of its row; the dead letter names the code, and retry unsubscribes it', async () => {
    await using connector = await moved()
    const { database, sandbox } = connector
    await database.query(`update patients set code = 'new', first_name = 'Eva' where id = 1`)
    await connector.whenPatient('new', ({ first_name }) => first_name === 'Eva')
    await until(async () => (await database.query(letters)).length > 0)
    await connector.whenSettled()
    expect(await database.query(letters)).toEqual([
      { key: '["1"]', code: 'old', reason: 'refused by the API', status: '422' },
    ])
    expect(sandbox.patients().get('old')?.unsubscribed_at).toBeNull()

    sandbox.clearRejections()
    expect((await runCommand(['dead-letters', 'retry', '--code', 'old'], { database })).status).toBe(0)
    await connector.whenPatient('old', ({ unsubscribed_at }) => unsubscribed_at !== null)
    await until(async () => (await database.query(letters)).length === 0)
    await expectBothEndsEqual(connector)
  })

  test('is tried again with the next version of its row, which is sent all the same', async () => {
    await using connector = await moved()
    const { database, sandbox } = connector
    await database.query(`update patients set code = 'new' where id = 1`)
    await connector.whenPatient('new')
    await until(async () => (await database.query(letters)).length > 0)
    await database.query(`update patients set first_name = 'Eva' where id = 1`)
    await connector.whenPatient('new', ({ first_name }) => first_name === 'Eva')
    await connector.whenSettled()
    expect(await database.query(letters)).toMatchObject([{ code: 'old' }])

    sandbox.clearRejections()
    await database.query(`update patients set first_name = 'Ada' where id = 1`)
    await connector.whenPatient('new', ({ first_name }) => first_name === 'Ada')
    await connector.whenSettled()
    expect(sandbox.patients().get('old')?.unsubscribed_at).not.toBeNull()
    expect(await database.query(letters)).toEqual([])
    await expectBothEndsEqual(connector)
  })

  test('is still known when the row is deleted: both codes are unsubscribed once the API accepts it', async () => {
    await using connector = await moved()
    const { database, sandbox } = connector
    await database.query(`update patients set code = 'new' where id = 1`)
    await connector.whenPatient('new')
    await database.query(`delete from patients where id = 1`)
    await connector.whenPatient('new', ({ unsubscribed_at }) => unsubscribed_at !== null)
    await connector.whenSettled()
    expect(await database.query(letters)).toMatchObject([{ code: 'old' }])

    sandbox.clearRejections()
    expect((await runCommand(['dead-letters', 'retry', '--all'], { database })).status).toBe(0)
    await connector.whenPatient('old', ({ unsubscribed_at }) => unsubscribed_at !== null)
    await until(async () => (await database.query(letters)).length === 0)
    await expectBothEndsEqual(connector)
  })
})
