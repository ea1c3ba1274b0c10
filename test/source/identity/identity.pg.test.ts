import { expect, test } from 'vitest'
import { patientsTable } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'
import {
  checkpointOf,
  copyFiles,
  expectFollowed,
  goOn,
  isStreaming,
  passesOf,
  slot,
  standElsewhere,
} from './state-elsewhere.ts'

test('nothing is sent from a server that was initialised again, and the server is not changed, until it is adopted', async () => {
  await using known = await standElsewhere()
  const { state, connector } = known
  await known.database.query(`insert into patients (code, gender) values ('bad', 'neither')`)
  await until(async () => (await state.query('select 1 from mediquo_cdc.dead_letter')).length === 1)
  await connector.stop()
  await using other = await ownServer()
  await using database = await testDatabase({ schema: patientsTable, serverUrl: other.url() })
  await database.query(`insert into patients (code) values ('clone')`)

  const later = await known.start('blocked', database)

  const { system } = await checkpointOf(known)
  const { reason } = await later.status()
  expect(reason).toContain(`the state belongs to ${system}`)
  expect(reason).toContain('run "mediquo-cdc adopt"')
  expect(await database.query('select slot_name from pg_replication_slots')).toEqual([])
  expect(await database.query('select pubname from pg_publication')).toEqual([])
  expect(await passesOf(known)).toEqual([])
  await later.stop()

  const adopted = await known.adopt(database)
  expect(adopted.status).toBe(0)
  expect(JSON.parse(adopted.text)).toMatchObject({
    neverStarted: false,
    done: [{ kind: 'identity changed', slot: 'made', needsBackfill: true }],
  })
  const found = await database.query(
    'select confirmed_flush_lsn as lsn from pg_replication_slots where slot_name = $1',
    [slot],
  )
  expect(await checkpointOf(known)).toMatchObject({ lsn: found[0]?.lsn, horizon: null })
  expect((await checkpointOf(known)).system).not.toBe(system)
  expect(await passesOf(known)).toEqual(['identity changed'])
  const rows = await state.query(
    `select code, fingerprint is null and lsn is null and ordinal is null and xid is null as is_unknown
     from mediquo_cdc.delivery order by code`,
  )
  expect(rows).toEqual([
    { code: 'bad', is_unknown: 't' },
    { code: 'jane', is_unknown: 't' },
  ])
  expect(await state.query('select code from mediquo_cdc.dead_letter')).toEqual([{ code: 'bad' }])
  expect(JSON.parse((await known.adopt(database)).text)).toEqual({ neverStarted: false, done: [] })

  await expectFollowed({ database }, await known.start(null, database))
})

test('another server is adopted automatically if the setting allows it, with a line in the log', async () => {
  await using known = await standElsewhere({ onIdentityChange: 'adopt' })
  await known.connector.stop()
  await using other = await ownServer()
  await using database = await testDatabase({ schema: patientsTable, serverUrl: other.url() })
  const later = await known.start(null, database)
  await expectFollowed({ database }, later)
  expect(later.log.find(({ level, change }) => level === 40 && change === 'another server')).toBeDefined()
  expect(await passesOf(known)).toEqual(['identity changed'])
})

test('nothing is sent from a server whose files were restored until it is adopted, with the restored slot', async () => {
  await using known = await standElsewhere()
  const { server, database, connector } = known
  const files = await copyFiles(server)
  await isStreaming(connector)
  await goOn(known, connector)
  await connector.stop()
  await files.putBack()
  await server.start()

  const later = await known.start('blocked')
  expect((await later.status()).reason).toMatch(/WAL ends at .*, before/)
  await later.stop()

  const adopted = await known.adopt()
  expect(JSON.parse(adopted.text)).toMatchObject({
    done: [{ kind: 'identity changed', slot: 'kept', needsBackfill: true }],
  })
  const [found] = await database.query('select confirmed_flush_lsn as lsn from pg_replication_slots')
  expect((await checkpointOf(known)).lsn).toBe(found?.lsn)
  expect(await passesOf(known)).toEqual(['identity changed'])
  await expectFollowed(known, await known.start(null))
})

test.concurrent('a server whose files are restored under a running connector is detected', async () => {
  await using known = await standElsewhere()
  const { server, connector } = known
  const files = await copyFiles(server)
  await isStreaming(connector)
  await goOn(known, connector)
  await files.putBack()
  await server.start()
  await connector.whenState('blocked')
  await known.adopt()
  await expectFollowed(known, connector)
})

test.concurrent('another publication in the settings is not streamed from until it is adopted', async () => {
  await using known = await standElsewhere()
  await known.connector.stop()
  const changed = { publication: 'renamed' }
  const later = await known.start('blocked', known.database, changed)
  expect((await later.status()).reason).toContain('source.publication is renamed, the state belongs to mediquo_cdc')

  // It is unknown if the publication was created before the WAL that the slot still holds.
  await known.database.query('create publication renamed for table patients')
  const adopted = await known.adopt(known.database, changed)
  expect(JSON.parse(adopted.text)).toMatchObject({ done: [{ kind: 'identity changed', slot: 'made' }] })
  await expectFollowed(known, later)
  expect(await checkpointOf(known)).toMatchObject({ publication: 'renamed' })
})
