import { openStateDatabase } from '../checkpoint/state-database.ts'
import { Store } from '../checkpoint/store.ts'
import { loadSettings } from '../config/load.ts'
import { applicationName } from '../connector/resources.ts'
import { formatLsn } from '../model/lsn.ts'
import { describeConnectionFailure } from '../source/connection-failure.ts'
import type { CliContext } from './context.ts'
import { textOption } from './context.ts'

type Report = Record<string, unknown>

/** What `/status` says, for a person; from the state alone when no connector is running. @returns 3 if neither can be asked. */
export async function statusCommand(context: CliContext, options: Record<string, unknown>): Promise<number> {
  const { env, cwd } = context
  const settings = loadSettings({ configPath: textOption(options, 'config'), env, cwd, needs: [] })
  const { port, host } = settings.http
  const running = await askConnector(`http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}/status`)
  const report = running ?? (await readState(settings, context))
  if (report === null) return 3
  if (options.json === true) context.print(JSON.stringify(report, null, 2))
  else printReport(report, context.print)
  return 0
}

async function askConnector(url: string): Promise<Report | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    return response.ok ? ((await response.json()) as Report) : null
  } catch {
    return null
  }
}

async function readState(settings: ReturnType<typeof loadSettings>, { print }: CliContext): Promise<Report | null> {
  const url = settings.state.url ?? settings.source.url
  const state = openStateDatabase({
    url: url?.current.reveal() ?? null,
    schema: settings.state.schema,
    applicationName,
    onConnectionError: () => undefined,
  })
  try {
    const store = new Store(state.db)
    const checkpoint = await store.load()
    if (!checkpoint) return { state: 'never started' }
    return {
      state: 'not running here',
      source: { table: checkpoint.sourceTable, slot: checkpoint.slot, checkpointLsn: formatLsn(checkpoint.lsn) },
      secondsSinceLastWrite: Math.round(checkpoint.ageMs / 1000),
      deadLetters: await store.countDeadLetters(),
    }
  } catch (error) {
    const cause = error instanceof Error && error.cause ? error.cause : error
    const missing = typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === '42P01'
    if (missing) return { state: 'never started' }
    print(
      `no connector answers, and the state cannot be read: ${describeConnectionFailure(cause, 'the state database').sentence}`,
    )
    return null
  } finally {
    await state.close()
  }
}

function printReport(report: Report, print: (line: string) => void, indent = ''): void {
  for (const [name, value] of Object.entries(report)) {
    const label = `${indent}${name.replace(/([A-Z])/g, ' $1').toLowerCase()}`
    if (typeof value === 'object' && value !== null) {
      print(label)
      printReport(value as Report, print, `${indent}  `)
    } else {
      print(`${label.padEnd(28)} ${value ?? '-'}`)
    }
  }
}
