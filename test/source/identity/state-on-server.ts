import { runCommand } from '../../cli/run-command.ts'
import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { type ConnectorOptions, patientsTable, type RunningConnector, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { openDatabase, testDatabase } from '../../support/postgres.ts'

/** Patients as they are delivered first. */
export const insert = `insert into patients (code, first_name, plan)
  values ('jane', 'V0', 'premium'), ('john', 'V0', 'premium'), ('mary', 'V0', 'premium')`

/**
 * Starts a server with three delivered patients, and with the checkpoint store on the same server: in their database, or in one of its own.
 */
export async function delivered({ stateApart = false } = {}) {
  const server = await ownServer()
  const database = await testDatabase({ schema: patientsTable, serverUrl: server.url() })
  const sandbox = await testSandbox()
  const releases: AsyncDisposable[] = [server, sandbox, database]
  const state = stateApart ? await testDatabase({ serverUrl: server.url() }) : null
  if (state) releases.push(state)
  const start = async (options: ConnectorOptions = {}) => {
    const config = { source: { onDelete: 'unsubscribe' }, ...(state && { state: { url: state.url } }) }
    const connector = await startConnector({ database, sandbox, config, ...options })
    releases.push(connector)
    return connector
  }
  const connector = await start()
  await database.query(insert)
  for (const code of ['jane', 'john', 'mary']) await connector.whenPatient(code)
  await connector.whenSettled()
  await connector.whenAcknowledged()
  const onServer = openDatabase(server.url(), 'postgres')
  releases.push(onServer)
  return {
    server,
    database,
    connector,
    onServer,
    start,
    adopt: async () => {
      const environment: Record<string, string> = state ? { STATE_DATABASE_URL: state.url } : {}
      return JSON.parse((await runCommand(['adopt', '--json'], { database }, environment)).text)
    },
    async [Symbol.asyncDispose]() {
      // A test may have dropped its database.
      for (const release of releases.reverse()) await Promise.allSettled([release[Symbol.asyncDispose]()])
    },
  }
}

/** Changes, unsubscribes and deletes a patient each. */
export async function change({ database, whenPatient, whenSettled, whenAcknowledged }: RunningConnector) {
  await database.query(`update patients set first_name = 'V1' where code = 'jane';
    update patients set plan = null where code = 'john'; delete from patients where code = 'mary'`)
  await whenPatient('jane', ({ first_name }) => first_name === 'V1')
  for (const code of ['john', 'mary']) await whenPatient(code, ({ unsubscribed_at }) => unsubscribed_at !== null)
  await whenSettled()
  await whenAcknowledged()
}
