import { discardDeadLetters, listDeadLetters } from '../../checkpoint/store/dead-letters.ts'
import type { StateDatabase } from '../../checkpoint/store/state-database.ts'
import { Store } from '../../checkpoint/store/store.ts'
import { loadSettings } from '../../config/load.ts'
import type { Settings } from '../../config/settings.ts'
import type { OptionsOf } from '../command-options.ts'
import type { CliContext } from '../context.ts'
import { deadLetterTable } from './dead-letter-table.ts'
import { askConnector, whenItBegins } from './running-connector.ts'
import { isStateFailure, withState } from './state.ts'

/** Actions on dead letters, each on the state alone. */
export const deadLetterActions = ['list', 'retry', 'discard'] as const
type Action = (typeof deadLetterActions)[number]

export const deadLetterHelp: Readonly<Record<Action, string>> = {
  list: 'show them: reason, attributes, attempts; never a value',
  retry: 'read the rows from the table again, and send them',
  discard: 'forget them: the rows are not sent until they change again or a backfill reads them',
}
const works: Readonly<Record<Action, (db: StateDatabase, request: Request) => Promise<void>>> = { list, retry, discard }

/** Selected dead letters, and the form of the output. */
interface Request {
  readonly settings: Settings
  /** Codes; null: all. */
  readonly names: readonly string[] | null
  readonly print: (line: string) => void
  readonly asJson: boolean
}

/** Runs `dead-letters list`, `retry` or `discard`. @returns 3 if the state cannot be used. */
export async function deadLettersCommand(
  { env, cwd, output: { print } }: CliContext,
  action: Action,
  options: OptionsOf<'deadLetters'>,
): Promise<number> {
  const settings = loadSettings({ configPath: options.config, env, cwd, needs: [] })
  const names = options.code ?? null
  const request = { settings, names, print, asJson: options.json }
  try {
    await withState(settings, (db) => works[action](db, request))
    return 0
  } catch (error) {
    if (!isStateFailure(error)) throw error
    print(error.message)
    return 3
  }
}

async function list(db: StateDatabase, { names, print, asJson }: Request): Promise<void> {
  const letters = await listDeadLetters(db, names)
  if (asJson) print(JSON.stringify(letters, null, 2))
  else if (letters.length === 0) print(nothing(names))
  else for (const line of deadLetterTable(letters)) print(line)
}

/** Requests a backfill run of these rows, so that each is read from the table and merged like any other. */
async function retry(db: StateDatabase, { settings, names, print, asJson }: Request): Promise<void> {
  const keys = (await listDeadLetters(db, names)).map(({ key }) => key)
  const isNew = keys.length > 0 && (await new Store(db).backfillRuns.request(null, keys))
  const isRunning = (await askConnector(settings)) !== null
  if (asJson) print(JSON.stringify({ rows: keys.length, requested: isNew, connectorRunning: isRunning }))
  else if (keys.length === 0) print(nothing(names))
  else {
    const asked = isNew ? `asked for ${rows(keys.length)} to be read again` : 'this was asked for already'
    print(`${asked}; ${whenItBegins(isRunning)}`)
  }
}

async function discard(db: StateDatabase, { names, print, asJson }: Request): Promise<void> {
  const discarded = await discardDeadLetters(db, names)
  if (asJson) print(JSON.stringify({ discarded }))
  else if (discarded === 0) print(nothing(names))
  else print(`discarded ${rows(discarded)}: not sent until they change again or a backfill reads them`)
}

function rows(count: number): string {
  return count === 1 ? '1 row' : `${count} rows`
}

function nothing(names: readonly string[] | null): string {
  return names === null ? 'no dead letters' : 'no dead letters for these codes'
}
