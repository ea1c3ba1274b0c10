import { openStateDatabase, type StateDatabase } from '../../checkpoint/store/state-database.ts'
import { Store } from '../../checkpoint/store/store.ts'
import type { Settings } from '../../config/settings.ts'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import type { FailureKind } from '../../model/failure/failure-kind.ts'
import { codeOf, kindOf, unwrapped } from '../../model/failure/kind-of.ts'
import { sqlstate } from '../../model/failure/sqlstate.ts'
import { describeConnectionFailure } from '../../source/connection/connection-failure.ts'
import { securedConnection } from '../../source/connection/secured-connection.ts'
import { applicationName } from '../../startup/resources.ts'

/** Returns true if the state cannot be used; the message says why, in one sentence. */
export function isStateFailure(error: unknown): error is ConnectorError {
  return error instanceof ConnectorError && stateKinds.includes(error.kind)
}

const stateKinds: readonly FailureKind[] = ['state missing', 'state outdated', 'state failed']

/** Returns true if a connector has been started before, so that the state exists. @throws {ConnectorError} if that cannot be determined. */
export async function isStarted(settings: Settings): Promise<boolean> {
  try {
    return (await withState(settings, (db) => new Store(db).load())) !== null
  } catch (error) {
    if (kindOf(error) === 'state missing') return false
    throw error
  }
}

/** Opens the state's database for `work` and closes it. @throws {ConnectorError} */
export async function withState<T>(settings: Settings, work: (db: StateDatabase) => Promise<T>): Promise<T> {
  const url = settings.state.url ?? settings.source.url
  const state = openStateDatabase({
    connection: securedConnection(url?.current.reveal() ?? null, settings.state.tls),
    schema: settings.state.schema,
    applicationName,
    onConnectionError: () => undefined,
  })
  try {
    return await work(state.db)
  } catch (error) {
    const cause = unwrapped(error)
    const code = codeOf(cause)
    const { schema } = settings.state
    if (code === sqlstate.undefinedTable) {
      throw new ConnectorError('state missing', `there is no state in schema ${schema}: run the connector first`)
    }
    if (code === sqlstate.undefinedColumn) {
      throw new ConnectorError(
        'state outdated',
        `the state in schema ${schema} is of an older version: run this version's connector`,
      )
    }
    const sentence = describeConnectionFailure(cause, 'the state database')
    throw new ConnectorError('state failed', `the state cannot be used: ${sentence}`)
  } finally {
    await state.close()
  }
}
