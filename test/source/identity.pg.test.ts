import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Pool } from 'pg'
import { expect, test } from 'vitest'
import type { ConnectorState } from '../../src/model/status.ts'
import type { EmbeddedServer } from '../../src/sandbox/embedded-server.ts'
import { askServer } from '../../src/source/source-identity.ts'
import { runCommand } from '../cli/run-command.ts'
import { testSandbox } from '../sandbox/sandbox-client.ts'
import { patientsTable, startConnector } from '../support/connector.ts'
import { ownServer } from '../support/own-server.ts'
import { type TestDatabase, testDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)
const slot = 'followed'

/** A server of its own with a patient that was delivered, whose connector keeps its state on another server. */
async function stand(more: Readonly<Record<string, string>> = {}) {
  const releases: AsyncDisposable[] = []
  const server = await ownServer()
  const state = await testDatabase()
  const sandbox = await testSandbox()
  const database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  releases.push(server, state, sandbox, database)
  const source = { slot, ...more }
  const start = async (waitFor: ConnectorState | null = 'streaming', on: TestDatabase = database, changed = {}) => {
    const config = { source: { ...source, ...changed }, state: { url: state.url } }
    const connector = await startConnector({ database: on, sandbox, config, waitFor })
    releases.push(connector)
    return connector
  }
  const connector = await start()
  await database.query(`insert into patients (code) values ('jane')`)
  await connector.whenPatient('jane')
  return {
    server,
    state,
    sandbox,
    database,
    connector,
    start,
    adopt: (on: TestDatabase = database, changed = {}) =>
      runCommand(
        ['adopt', '--json'],
        { database: on, source: { ...source, ...changed } },
        { STATE_DATABASE_URL: state.url },
      ),
    async [Symbol.asyncDispose]() {
      for (const release of releases.reverse()) await release[Symbol.asyncDispose]()
    },
  }
}

type Stand = Awaited<ReturnType<typeof stand>>
type Connector = Stand['connector']

/** A connector that is blocked looks again every ten seconds. */
async function isStreaming(connector: Connector) {
  const states = ['streaming', 'backfilling']
  await until(async () => states.includes((await connector.status()).state), { deadlineMs: 60_000 })
}

/** Something that is committed now comes to the API. */
async function expectFollowed({ database }: Pick<Stand, 'database'>, connector: Connector, code = 'after') {
  await isStreaming(connector)
  await database.query('insert into patients (code) values ($1)', [code])
  await connector.whenPatient(code)
}

async function checkpointOf({ state }: Stand) {
  const [found] = await state.query(
    'select system_identifier as system, timeline, publication, lsn, horizon_lsn as horizon from mediquo_cdc.checkpoint',
  )
  return found ?? {}
}

async function passesOf({ state }: Stand) {
  const rows = await state.query(`select reason from mediquo_cdc.backfill where state <> 'replaced' order by id`)
  return rows.map(({ reason }) => reason)
}

/** So that the checkpoint lies past whatever the server writes by itself when it starts. */
async function goOn({ database, state }: Stand, connector: Connector) {
  await database.query(`select pg_logical_emit_message(false, 'a', 'b'), pg_switch_wal()`)
  const [target] = await database.query('select pg_current_wal_lsn() as lsn')
  await database.query(`insert into patients (code) values ('john')`)
  await connector.whenPatient('john')
  await until(async () => {
    const [row] = await state.query('select lsn >= $1::pg_lsn as passed from mediquo_cdc.checkpoint', [target?.lsn])
    return row?.passed === 't'
  })
}

/** The server's files as they are, which it may be given back later. */
async function copyFiles(server: EmbeddedServer) {
  const copy = `${server.dataDir}.copy`
  await server.stop()
  await run('cp', ['-a', server.dataDir, copy])
  await server.start()
  return {
    async putBack() {
      await server.stop()
      await rm(server.dataDir, { recursive: true })
      await run('mv', [copy, server.dataDir])
    },
  }
}

/** Starts the server on its files as a standby would be. */
async function startAsStandby(server: EmbeddedServer) {
  await writeFile(join(server.dataDir, 'standby.signal'), '')
  await server.start()
}

async function promote({ database }: Stand) {
  await database.query('select pg_promote(true, 60)')
}

test.concurrent('a server that was initialised anew is not sent from, nor touched, until it is adopted', async () => {
  await using known = await stand()
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
    done: [{ kind: 'identity changed', slot: 'made', pass: true }],
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
}, 90_000)

test.concurrent('another server is adopted without a word where it is so set, but for a line in the log', async () => {
  await using known = await stand({ onIdentityChange: 'adopt' })
  await known.connector.stop()
  await using other = await ownServer()
  await using database = await testDatabase({ schema: patientsTable, serverUrl: other.url() })
  const later = await known.start(null, database)
  await expectFollowed({ database }, later)
  expect(later.log.find(({ level, change }) => level === 40 && change === 'another server')).toBeDefined()
  expect(await passesOf(known)).toEqual(['identity changed'])
}, 90_000)

test.concurrent('a server whose files were put back is not sent from until it is adopted, with the slot that came back', async () => {
  await using known = await stand()
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
  expect(JSON.parse(adopted.text)).toMatchObject({ done: [{ kind: 'identity changed', slot: 'kept', pass: true }] })
  const [found] = await database.query('select confirmed_flush_lsn as lsn from pg_replication_slots')
  expect((await checkpointOf(known)).lsn).toBe(found?.lsn)
  expect(await passesOf(known)).toEqual(['identity changed'])
  await expectFollowed(known, await known.start(null))
}, 90_000)

test.concurrent('a server whose files are put back under a running connector is noticed', async () => {
  await using known = await stand()
  const { server, connector } = known
  const files = await copyFiles(server)
  await isStreaming(connector)
  await goOn(known, connector)
  await files.putBack()
  await server.start()
  await connector.whenState('blocked')
  await known.adopt()
  await expectFollowed(known, connector)
}, 90_000)

test.concurrent('a promoted standby that has the slot is followed, by a connector that runs as by one that starts', async () => {
  await using known = await stand()
  const { server, connector } = known
  await server.stop()
  await startAsStandby(server)
  const blocked = await connector.whenState('blocked')
  expect(blocked.reason).toContain('the server is a standby')

  await promote(known)

  await expectFollowed(known, connector, 'second timeline')
  expect(await checkpointOf(known)).toMatchObject({ timeline: '2' })
  await connector.stop()
  await server.stop()
  await startAsStandby(server)
  await promote(known)
  await expectFollowed(known, await known.start(null), 'third timeline')
  expect(await checkpointOf(known)).toMatchObject({ timeline: '3' })
  expect(await passesOf(known)).toEqual([])
}, 90_000)

test.concurrent('a promoted standby without the slot is not sent from until it is adopted', async () => {
  await using known = await stand()
  const { server, connector } = known
  await connector.stop()
  await server.stop()
  // As a base backup leaves them out.
  await rm(join(server.dataDir, 'pg_replslot', slot), { recursive: true })
  await startAsStandby(server)
  await promote(known)

  const later = await known.start('blocked')
  expect((await later.status()).reason).toMatch(/timeline 2, the state on 1, and the replication slot did not come/)

  await known.adopt()
  await expectFollowed(known, later)
  expect(await checkpointOf(known)).toMatchObject({ timeline: '2' })
  expect(await passesOf(known)).toEqual(['identity changed'])
}, 90_000)

test.concurrent('a promoted standby that lacks what was delivered is not sent from', async () => {
  await using known = await stand()
  const { server, connector } = known
  const files = await copyFiles(server)
  await isStreaming(connector)
  await goOn(known, connector)
  await connector.stop()
  await files.putBack()
  await startAsStandby(server)
  await promote(known)

  const later = await known.start('blocked')
  expect((await later.status()).reason).toMatch(/timeline 2, which left timeline 1 before/)
  expect(await passesOf(known)).toEqual([])
}, 90_000)

test.concurrent('another publication in the settings is not streamed from until it is adopted', async () => {
  await using known = await stand()
  await known.connector.stop()
  const changed = { publication: 'renamed' }
  const later = await known.start('blocked', known.database, changed)
  expect((await later.status()).reason).toContain('source.publication is renamed, the state belongs to mediquo_cdc')

  // Nobody knows whether it was made before the WAL that the slot still holds.
  await known.database.query('create publication renamed for table patients')
  const adopted = await known.adopt(known.database, changed)
  expect(JSON.parse(adopted.text)).toMatchObject({ done: [{ kind: 'identity changed', slot: 'made' }] })
  await expectFollowed(known, later)
  expect(await checkpointOf(known)).toMatchObject({ publication: 'renamed' })
}, 90_000)

test.concurrent('the timeline is known as soon as a standby is promoted', async () => {
  await using server = await ownServer()
  const pool = new Pool({ connectionString: server.url(), max: 1 })
  pool.on('error', () => undefined)
  try {
    // What it replays, the checkpoint after the promotion has to write, slowly: until then the control file knows nothing.
    await pool.query('create table replayed as select * from generate_series(1, 100000)')
    await server.kill()
    await startAsStandby(server)
    expect(await askServer(pool, 'any')).toBeNull()
    await pool.query('select pg_promote(true, 60)')
    expect(await askServer(pool, 'any')).toMatchObject({ timeline: 2 })
  } finally {
    await pool.end()
  }
}, 90_000)

test.concurrent('a standby is refused at the start', async () => {
  await using known = await stand()
  await known.connector.stop()
  await known.server.stop()
  await startAsStandby(known.server)
  await expect(known.start()).rejects.toThrow(/the server is a standby/)
  await promote(known)
}, 90_000)
