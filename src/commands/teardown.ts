import pg, { type Pool } from 'pg'
import { openStateDatabase } from '../checkpoint/store/state-database.ts'
import { findStateRemains } from '../checkpoint/store/state-remains.ts'
import type { Settings } from '../config/settings.ts'
import { codeOf } from '../model/failure/kind-of.ts'
import { sqlstate } from '../model/failure/sqlstate.ts'
import { sourceClientConfig } from '../source/connection/connection.ts'
import { describeConnectionFailure } from '../source/connection/connection-failure.ts'
import { securedConnection } from '../source/connection/secured-connection.ts'
import { findSourceRemains } from '../source/source-remains.ts'
import { applicationName } from '../startup/resources.ts'
import type { Remains, TeardownNames, TeardownPart, TeardownStep } from './teardown-plan.ts'

/** Result for a part. `kept`: it should be gone but could not be dropped, and `reason` says why. */
export interface TornDown {
  readonly step: TeardownStep
  readonly result: 'dropped' | 'was not there' | 'left' | 'kept'
  readonly reason: string | null
}

/** Databases of the source and of the state, as a teardown uses them. */
export interface Databases {
  readonly names: TeardownNames
  find(): Promise<Remains>
  drop(step: TeardownStep): Promise<void>
  close(): Promise<void>
}

/** Creates connections with a name of their own, so that they are not taken for a connector's. It opens nothing yet. */
export function openDatabases(settings: Settings, environmentOptions: string): Databases {
  const url = settings.source.url?.current.reveal() ?? null
  const own = `${applicationName} teardown`
  const config = sourceClientConfig({
    url,
    security: settings.source.tls,
    environmentOptions,
    applicationName: own,
    connectTimeoutMs: 10_000,
  })
  const source = new pg.Pool({ ...config, max: 1 })
  source.on('error', () => undefined)
  source.on('connect', (client) => client.on('error', () => undefined))
  const { schema } = settings.state
  const stateUrl = settings.state.url?.current.reveal() ?? url
  const state = openStateDatabase({
    connection: securedConnection(stateUrl, settings.state.tls),
    schema,
    applicationName: own,
    onConnectionError: () => undefined,
  })
  const pools: Readonly<Record<TeardownPart, Pool>> = {
    'replication slot': source,
    publication: source,
    'state tables': state.pool,
    'state schema': state.pool,
  }
  const { slot, publication, table } = settings.source
  return {
    names: {
      slot,
      publication,
      table: `${table.schema}.${table.table}`,
      stateSchema: schema,
      isStateElsewhere: settings.state.url !== null,
    },
    async find() {
      const names = { slot, publication, connectors: applicationName }
      return {
        source: await findSourceRemains(source, names).catch((error) => unanswered(error, 'the source')),
        state: await findStateRemains(state.pool, schema).catch((error) => unanswered(error, 'the state database')),
      }
    },
    async drop({ part, statement }) {
      // Limit the wait for the lock, so that no application queues behind the drop.
      if (statement !== null) await pools[part].query(`SET lock_timeout = '5s'; ${statement}`)
    },
    close: async () => {
      await Promise.allSettled([source.end(), state.close()])
    },
  }
}

/**
 * Drops the parts of the plan, in order. A part that cannot be dropped is reported, and the others are still dropped. Exception: a slot
 * that a connector has started to use stops everything, because the rest is in use too. It ends no sessions.
 */
export async function tearDown({ drop }: Pick<Databases, 'drop'>, steps: readonly TeardownStep[]): Promise<TornDown[]> {
  const done: TornDown[] = []
  /** Remaining part that keeps others: a slot in use keeps all of them, tables keep their schema. */
  let keeper: { readonly keeps: (part: TeardownPart) => boolean; readonly reason: string } | null = null
  for (const step of steps) {
    if (step.action === 'gone') done.push({ step, result: 'was not there', reason: null })
    else if (step.action === 'leave') done.push({ step, result: 'left', reason: step.detail })
    else if (step.action === 'unknown') done.push({ step, result: 'kept', reason: step.detail })
    else if (keeper?.keeps(step.part)) done.push({ step, result: 'kept', reason: keeper.reason })
    else {
      const failure = await drop(step).then(() => null, failureOf)
      if (failure?.code === sqlstate.objectInUse)
        keeper = { keeps: () => true, reason: 'a connector uses the replication slot' }
      else if (failure && !failure.isGone && step.part === 'state tables')
        keeper = { keeps: (part) => part === 'state schema', reason: 'its tables are still there' }
      if (failure === null) done.push({ step, result: 'dropped', reason: null })
      else if (failure.isGone) done.push({ step, result: 'was not there', reason: null })
      else done.push({ step, result: 'kept', reason: failure.reason })
    }
  }
  return done
}

const reasons: Readonly<Record<string, string>> = {
  [sqlstate.insufficientPrivilege]: 'this user may not: somebody who may is to run the statement',
  [sqlstate.lockNotAvailable]: 'another session holds a lock on it for more than five seconds: run it again later',
  [sqlstate.objectInUse]: 'a connector has begun to use it: stop that first',
  [sqlstate.readOnlySqlTransaction]: 'the server is a standby: run the statement on its primary',
  [sqlstate.dependentObjectsStillExist]: 'something of somebody else’s depends on it: see to that first',
}
/** SQLSTATEs for no such slot, publication, schema or table: another session was faster. */
const gone: readonly string[] = [sqlstate.undefinedObject, sqlstate.invalidSchemaName, sqlstate.undefinedTable]

function failureOf(error: unknown): { readonly code: string; readonly isGone: boolean; readonly reason: string } {
  const code = codeOf(error) ?? ''
  const reason = reasons[code] ?? describeConnectionFailure(error, 'the database')
  return { code, isGone: gone.includes(code), reason }
}

function unanswered(error: unknown, what: string): { readonly failure: string } {
  return { failure: describeConnectionFailure(error, what) }
}
