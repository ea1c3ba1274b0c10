import { Store } from '../checkpoint/store.ts'
import { loadSettings } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import { formatLsn } from '../model/lsn.ts'
import type { Pass } from '../model/pass.ts'
import type { CliContext } from './context.ts'
import { textOption } from './context.ts'
import { askConnector } from './running-connector.ts'
import { NoStateError, withState } from './state.ts'

type Report = Record<string, unknown>

/** What `/status` says, for a person; from the state alone when no connector is running. @returns 3 if neither can be asked. */
export async function statusCommand(context: CliContext, options: Record<string, unknown>): Promise<number> {
  const { env, cwd } = context
  const settings = loadSettings({ configPath: textOption(options, 'config'), env, cwd, needs: [] })
  const report = (await askConnector(settings)) ?? (await readState(settings, context))
  if (report === null) return 3
  if (options.json === true) context.print(JSON.stringify(report, null, 2))
  else printReport(report, context.print)
  return 0
}

async function readState(settings: Settings, { print }: CliContext): Promise<Report | null> {
  try {
    return await withState(settings, async (db) => {
      const store = new Store(db)
      const checkpoint = await store.load()
      if (!checkpoint) return { state: 'never started' }
      return {
        state: 'not running here',
        source: { table: checkpoint.sourceTable, slot: checkpoint.slot, checkpointLsn: formatLsn(checkpoint.lsn) },
        secondsSinceLastWrite: Math.round(checkpoint.ageMs / 1000),
        backfill: passReport(await store.passes.latest()),
        deadLetters: await store.countDeadLetters(),
      }
    })
  } catch (error) {
    if (!(error instanceof NoStateError)) throw error
    if (error.neverStarted) return { state: 'never started' }
    print(`no connector answers, and ${error.message}`)
    return null
  }
}

function passReport(pass: Pass | null): Report {
  if (!pass) return { state: 'none' }
  const { state, reason, rowsRead, rowsEstimated } = pass
  return { state, reason, rowsRead, rowsEstimated }
}

function printReport(report: Report, print: (line: string) => void, indent = ''): void {
  for (const [name, value] of Object.entries(report)) {
    const label = `${indent}${name.replace(/([A-Z])/g, ' $1').toLowerCase()}`
    if (Array.isArray(value)) {
      if (value.length > 0) print(label)
      for (const entry of value) print(`${indent}  ${entry}`)
    } else if (typeof value === 'object' && value !== null) {
      print(label)
      printReport(value as Report, print, `${indent}  `)
    } else {
      print(`${label.padEnd(28)} ${value ?? '-'}`)
    }
  }
}
