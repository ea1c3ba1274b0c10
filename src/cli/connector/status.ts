import { z } from 'zod'
import { Store } from '../../checkpoint/store/store.ts'
import { loadSettings } from '../../config/load.ts'
import type { Settings } from '../../config/settings.ts'
import { type Severity, severities } from '../../model/problem/problem-kind.ts'
import type { BackfillRun } from '../../model/progress/backfill-run.ts'
import { formatLsn } from '../../model/source/lsn.ts'
import { type ConnectorState, connectorStates } from '../../model/status/status.ts'
import type { OptionsOf } from '../command-options.ts'
import type { CliContext } from '../context.ts'
import { hangingIndent, hangingText } from '../terminal/hanging-text.ts'
import { type Meaning, type Paint, plain } from '../terminal/paint.ts'
import { askConnector } from './running-connector.ts'
import { isStateFailure, withState } from './state.ts'

type Report = Record<string, unknown>

/** Prints `/status` for a person; from the state alone when no connector is running. @returns 3 if neither is available. */
export async function statusCommand(context: CliContext, options: OptionsOf<'status'>): Promise<number> {
  const { env, cwd } = context
  const settings = loadSettings({ configPath: options.config, env, cwd, needs: [] })
  const report = (await askConnector(settings)) ?? (await readState(settings, context))
  if (report === null) return 3
  if (options.json) context.output.print(JSON.stringify(report, null, 2))
  else printReport(report, { print: context.output.print, paint: context.output.paint ?? plain })
  return 0
}

async function readState(settings: Settings, { output: { print } }: CliContext): Promise<Report | null> {
  try {
    return await withState(settings, async (db) => {
      const store = new Store(db)
      const checkpoint = await store.load()
      if (!checkpoint) return { state: 'never started' }
      return {
        state: 'not running here',
        source: { table: checkpoint.sourceTable, slot: checkpoint.slot, checkpointLsn: formatLsn(checkpoint.lsn) },
        secondsSinceLastWrite: Math.round(checkpoint.ageMs / 1000),
        backfill: backfillReport(await store.backfillRuns.latest()),
        deadLetters: await store.countDeadLetters(),
      }
    })
  } catch (error) {
    if (!isStateFailure(error)) throw error
    if (error.kind === 'state missing') return { state: 'never started' }
    print(hangingText('', `no connector answers, and ${error.message}`, hangingIndent))
    return null
  }
}

function backfillReport(run: BackfillRun | null): Report {
  if (!run) return { state: 'none' }
  const { state, reason, rowsRead, rowsEstimated } = run
  return { state, reason, rowsRead, rowsEstimated }
}

interface Out {
  readonly print: (line: string) => void
  readonly paint: Paint
}

const labelWidth = 28
const meaningOfState: Readonly<Record<ConnectorState, Meaning | null>> = {
  starting: null,
  standby: null,
  backfilling: 'good',
  streaming: 'good',
  blocked: 'bad',
  stopping: null,
}

function printReport(report: Report, out: Out, indent = ''): void {
  const { print, paint } = out
  for (const [name, value] of Object.entries(report)) {
    if (name === 'problems') {
      printProblems(value, out)
      continue
    }
    const label = `${indent}${name.replace(/([A-Z])/g, ' $1').toLowerCase()}`
    if (Array.isArray(value)) {
      if (value.length > 0) print(label)
      for (const entry of value) print(hangingText(`${indent}  `, String(entry), `${indent}    `))
    } else if (typeof value === 'object' && value !== null) {
      print(label)
      printReport(value as Report, out, `${indent}  `)
    } else {
      const text = hangingText(`${label.padEnd(labelWidth)} `, String(value ?? '-'), ' '.repeat(labelWidth + 1))
      const meaning = meaningOf(name, value)
      print(meaning === null ? text : `${text.slice(0, labelWidth + 1)}${paint(meaning, text.slice(labelWidth + 1))}`)
    }
  }
}

const problemsOfReport = z.array(
  z.object({
    code: z.string(),
    severity: z.enum(severities),
    title: z.string(),
    detail: z.string(),
    fix: z.string(),
    since: z.string(),
  }),
)
const meaningOfSeverity: Readonly<Record<Severity, Meaning>> = { warning: 'doubtful', critical: 'bad' }

/** Prints each problem with its fix. A connector of another version can report what this one does not know. */
function printProblems(value: unknown, { print, paint }: Out): void {
  const { data: problems = [] } = problemsOfReport.safeParse(value)
  if (problems.length > 0) print('problems')
  for (const { code, severity, title, detail, fix, since } of problems) {
    print(`  ${paint(meaningOfSeverity[severity], `${code} ${severity}`)} ${title}`)
    if (detail !== '') print(hangingText('    ', detail, '    '))
    print(hangingText('    fix: ', fix, '      '))
    print(`    since ${since}`)
  }
}

/** Returns the colour of a value that people look for: whether the connector works, and the problem if there is one. */
function meaningOf(name: string, value: unknown): Meaning | null {
  if (name === 'state') {
    const state = connectorStates.find((known) => known === value)
    return state === undefined ? null : meaningOfState[state]
  }
  if (name === 'reason' || name === 'lastError') return value == null ? null : 'bad'
  if (name === 'deadLetters') return value === 0 ? null : 'doubtful'
  return null
}
