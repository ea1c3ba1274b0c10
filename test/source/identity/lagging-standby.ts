import { testSandbox } from '../../sandbox/sandbox-client.ts'
import { type ConnectorOptions, patientsTable, startConnector } from '../../support/connector.ts'
import { ownServer } from '../../support/own-server.ts'
import { openDatabase, type TestDatabase, testDatabase } from '../../support/postgres.ts'
import { replicaOf } from '../../support/replica.ts'
import { tcpRelay } from '../../support/tcp-relay.ts'
import { until } from '../../support/until.ts'

type Server = Awaited<ReturnType<typeof ownServer>>

/** Slot name on every server. */
const slot = 'followed'

/**
 * Starts a primary with an asynchronous standby that synchronizes its slots. Connectors reach the current primary by one address, and keep
 * their checkpoint store in the same database.
 */
export async function laggingStandby() {
  const releases: AsyncDisposable[] = []
  const primary = await ownServer()
  releases.push(primary)
  const database = await testDatabase({ schema: patientsTable, serverUrl: primary.url() })
  const sandbox = await testSandbox()
  const address = await tcpRelay(primary.port)
  releases.push(sandbox, address)
  let now = { server: primary, database }
  const url = new URL(database.url)
  url.port = `${address.port}`

  /** Adds a standby of the current primary. */
  async function addStandby() {
    const { server, database: onPrimary } = now
    await onPrimary.query(`select pg_create_physical_replication_slot('replica')`)
    const link = await tcpRelay(server.port)
    const { password } = new URL(server.url())
    const standby = await replicaOf(server, {
      sync_replication_slots: 'on',
      primary_conninfo: `host=127.0.0.1 port=${link.port} user=postgres password=${decodeURIComponent(password)} dbname=postgres`,
    })
    const onStandby = openDatabase(standby.url(database.name), database.name)
    releases.push(link, standby, onStandby)
    // The standby keeps a slot once the primary's is past what the standby had at first: changes move it on.
    await until(async () => {
      await onPrimary.query('update patients set visits = visits + 1; select pg_log_standby_snapshot()')
      return (await onStandby.query('select from pg_replication_slots where synced and not temporary')).length === 1
    })
    return {
      /** Resolves once the standby has what was written so far, and nothing more is written to the checkpoint store. */
      async caughtUp() {
        const written = 'select run, writes, lsn from mediquo_cdc.checkpoint'
        await until(async () => {
          const [on, there] = [await onPrimary.query(written), await onStandby.query(written)]
          return JSON.stringify(on) === JSON.stringify(there)
        })
      },
      /** Cuts the standby off: it receives nothing more, and does not notice. */
      stall: () => link.stall(),
      /** Kills the primary, promotes the standby and moves the address to it. */
      async failOver(kill: (server: Server) => Promise<void> = (server) => server.kill()) {
        await kill(server)
        await onStandby.query('select pg_promote(true, 60)')
        address.goOn(standby.port)
        await address.reset()
        now = { server: standby, database: onStandby }
      },
    }
  }

  return {
    sandbox,
    /** The database on the present primary. */
    get database(): TestDatabase {
      return now.database
    },
    addStandby,
    async start(options: ConnectorOptions = {}) {
      const config = { source: { slot, onDelete: 'unsubscribe' } }
      const environment = { DATABASE_URL: url.href }
      const connector = await startConnector({ database, sandbox, config, environment, ...options })
      releases.push(connector)
      return connector
    },
    passes: async () => {
      const rows = await now.database.query(
        `select reason from mediquo_cdc.backfill where state <> 'replaced' order by id`,
      )
      return rows.map(({ reason }) => reason)
    },
    async [Symbol.asyncDispose]() {
      for (const release of releases.reverse()) await release[Symbol.asyncDispose]()
    },
  }
}
