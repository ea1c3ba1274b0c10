import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ConnectorState } from '../../../src/model/status/status.ts'
import type { EmbeddedServer } from '../../../src/sandbox/postgres/embedded-server.ts'
import { runCommand } from '../../cli/run-command.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

const run = promisify(execFile)
/** Slot name on every server, so that one server can replace another. */
export const slot = 'followed'

/** Starts a server of its own with a delivered patient. Its connector keeps the checkpoint store on another server. */
export async function standElsewhere(more: Readonly<Record<string, string>> = {}) {
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

export type Stand = Awaited<ReturnType<typeof standElsewhere>>
type Connector = Stand['connector']

/** Resolves once the connector streams. A blocked connector tries again every ten seconds. */
export async function isStreaming(connector: Connector) {
  const states = ['streaming', 'backfilling']
  await until(async () => states.includes((await connector.status()).state), { deadlineMs: 60_000 })
}

/** Checks that a row that is committed now reaches the API. */
export async function expectFollowed({ database }: Pick<Stand, 'database'>, connector: Connector, code = 'after') {
  await isStreaming(connector)
  await database.query('insert into patients (code) values ($1)', [code])
  await connector.whenPatient(code)
}

export async function checkpointOf({ state }: Stand) {
  const [found] = await state.query(
    'select system_identifier as system, timeline, publication, lsn, horizon_lsn as horizon from mediquo_cdc.checkpoint',
  )
  return found ?? {}
}

export async function passesOf({ state }: Stand) {
  const rows = await state.query(`select reason from mediquo_cdc.backfill where state <> 'replaced' order by id`)
  return rows.map(({ reason }) => reason)
}

/** Moves the checkpoint past everything that the server writes by itself when it starts. */
export async function goOn({ database, state }: Stand, connector: Connector) {
  await database.query(`select pg_logical_emit_message(false, 'a', 'b'), pg_switch_wal()`)
  const [target] = await database.query('select pg_current_wal_lsn() as lsn')
  await database.query(`insert into patients (code) values ('john')`)
  await connector.whenPatient('john')
  await until(async () => {
    const [row] = await state.query('select lsn >= $1::pg_lsn as passed from mediquo_cdc.checkpoint', [target?.lsn])
    return row?.passed === 't'
  })
}

/** Copies the server's files, to restore them later. */
export async function copyFiles(server: EmbeddedServer) {
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

/** Starts the server on its files as a standby. */
export async function startAsStandby(server: EmbeddedServer) {
  await writeFile(join(server.dataDir, 'standby.signal'), '')
  await server.start()
}

export async function promote({ database }: Stand) {
  await database.query('select pg_promote(true, 60)')
}
