import { openStateDatabase, type StateDatabase } from '../../checkpoint/store/state-database.ts'
import { Store } from '../../checkpoint/store/store.ts'
import type { Settings } from '../../config/settings.ts'
import { describeConnectionFailure } from '../../source/connection/connection-failure.ts'
import { securedConnection } from '../../source/connection/secured-connection.ts'
import { applicationName } from '../../startup/resources.ts'

/** SQLSTATEs if the state's tables do not exist, or lack a column of a later version. */
const undefinedTable = '42P01'
const undefinedColumn = '42703'

/** The state cannot be used; the message is one sentence. `neverStarted`: no connector has created it yet. */
export class NoStateError extends Error {
  override readonly name = 'NoStateError'
  readonly neverStarted: boolean
  constructor(message: string, neverStarted: boolean) {
    super(message)
    this.neverStarted = neverStarted
  }
}

/** Returns true if a connector has been started before, so that the state exists. @throws {NoStateError} if that cannot be determined. */
export async function isStarted(settings: Settings): Promise<boolean> {
  try {
    return (await withState(settings, (db) => new Store(db).load())) !== null
  } catch (error) {
    if (error instanceof NoStateError && error.neverStarted) return false
    throw error
  }
}

/** Opens the state's database for `work` and closes it. @throws {NoStateError} */
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
    const cause = error instanceof Error && error.cause ? error.cause : error
    const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : null
    const { schema } = settings.state
    if (code === undefinedTable)
      throw new NoStateError(`there is no state in schema ${schema}: run the connector first`, true)
    if (code === undefinedColumn)
      throw new NoStateError(
        `the state in schema ${schema} is of an older version: run this version's connector`,
        false,
      )
    const { sentence } = describeConnectionFailure(cause, 'the state database')
    throw new NoStateError(`the state cannot be used: ${sentence}`, false)
  } finally {
    await state.close()
  }
}
