import type pg from 'pg'
import { ownServer } from '../own-server.ts'
import { type TestDatabase, testDatabase } from '../postgres.ts'
import { until } from '../until.ts'
import { newClient } from './connections.ts'

/** Server whose commits can wait for a standby that does not answer: they are streamed, but not visible. */
export interface SynchronousServer extends AsyncDisposable {
  /** Database whose sessions do not wait: those of the connector, and `query`. */
  readonly database: TestDatabase
  /** Makes commits of `writer` wait from now on. */
  holdCommits(): Promise<void>
  /** Makes the waiting commits visible. */
  releaseCommits(): Promise<void>
  /** Opens a session of an application, whose commits wait for the standby. */
  writer(): Promise<pg.Client>
  /** Resolves once this number of commits waits. */
  whenHeld(commits: number): Promise<void>
}

export async function synchronousServer(schema: string): Promise<SynchronousServer> {
  const server = await ownServer()
  const database = await testDatabase({ serverUrl: server.url(), schema })
  const clients: pg.Client[] = []
  const writer = async () => {
    const client = newClient({ connectionString: database.url, options: '-c synchronous_commit=on' })
    await client.connect()
    clients.push(client)
    return client
  }
  // Sessions with default settings do not wait.
  await database.query('alter system set synchronous_commit = local')
  const setStandby = async (name: string) => {
    await database.query(`alter system set synchronous_standby_names = '${name}'`)
    await database.query('select pg_reload_conf()')
    await until(async () => {
      const [row] = await database.query(`select setting from pg_settings where name = 'synchronous_standby_names'`)
      return row?.setting === name
    })
  }
  await setStandby('')
  await until(async () => (await database.query('show synchronous_commit'))[0]?.synchronous_commit === 'local')
  return {
    database,
    writer,
    holdCommits: () => setStandby('nobody'),
    releaseCommits: () => setStandby(''),
    async whenHeld(commits) {
      await until(async () => {
        const [row] = await database.query(`select count(*) from pg_stat_activity where wait_event = 'SyncRep'`)
        return Number(row?.count) === commits
      })
    },
    async [Symbol.asyncDispose]() {
      await setStandby('')
      for (const client of clients) await client.end()
      await database.dispose()
      await server.destroy()
    },
  }
}
