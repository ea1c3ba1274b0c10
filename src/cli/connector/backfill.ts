import { progress } from '@clack/prompts'
import { Store } from '../../checkpoint/store/store.ts'
import { loadSettings } from '../../config/load.ts'
import type { Settings } from '../../config/settings.ts'
import { wait } from '../../lifecycle/wait.ts'
import { type PatientCode, patientCode } from '../../model/patient/patient.ts'
import { secondsLeft } from '../../model/progress/backfill-run.ts'
import type { OptionsOf } from '../command-options.ts'
import type { CliContext } from '../context.ts'
import { hangingIndent, hangingText } from '../terminal/hanging-text.ts'
import { askConnector, whenItBegins } from './running-connector.ts'
import { isStateFailure, withState } from './state.ts'

/** Requests a backfill; on a terminal it then shows the progress of a running connector. @returns 3 if the state cannot be used. */
export async function backfillCommand(context: CliContext, options: OptionsOf<'backfill'>): Promise<number> {
  const { env, cwd, output } = context
  const { print, isTerminal } = output
  const settings = loadSettings({ configPath: options.config, env, cwd, needs: [] })
  const codes = options.code?.map(patientCode) ?? null
  try {
    return await withState(settings, async (db) => {
      const store = new Store(db)
      const isNew = await store.backfillRuns.request(codes)
      const isRunning = (await askConnector(settings)) !== null
      if (options.json) print(JSON.stringify({ requested: isNew, codes, connectorRunning: isRunning }))
      else print(hangingText('', sentence(codes, { isNew, isRunning }), hangingIndent))
      if (isRunning && isTerminal && !options.json) await follow(store, settings, context)
      return 0
    })
  } catch (error) {
    if (!isStateFailure(error)) throw error
    print(hangingText('', error.message, hangingIndent))
    return 3
  }
}

interface Answer {
  readonly isNew: boolean
  readonly isRunning: boolean
}

function sentence(codes: readonly PatientCode[] | null, { isNew, isRunning }: Answer): string {
  const what = codes === null ? 'the whole table' : `${codes.length} ${codes.length === 1 ? 'code' : 'codes'}`
  const asked = isNew ? `asked for a backfill of ${what}` : `a backfill of ${what} was asked for already`
  return `${asked}; ${whenItBegins(isRunning)}`
}

/** Shows a progress bar until the backfill is done. Ctrl-C ends the bar, not the backfill. */
async function follow(
  store: Store,
  settings: Settings,
  { output: { print }, runtime: { stop } }: CliContext,
): Promise<void> {
  const bar = progress({ max: 1000, style: 'block' })
  bar.start('waiting for the connector')
  let shown = 0
  for (let run = await store.backfillRuns.next(); run && !stop.aborted; run = await store.backfillRuns.next()) {
    const estimated = Math.max(1, run.rowsEstimated, run.rowsRead)
    const share = Math.floor((1000 * run.rowsRead) / estimated)
    const seconds = secondsLeft(run, settings.mediquo.limits)
    bar.advance(
      Math.max(0, share - shown),
      `${run.rowsRead} of about ${estimated} rows, at most ${duration(seconds)} left`,
    )
    shown = Math.max(shown, share)
    await wait(500, stop)
  }
  if (stop.aborted) bar.stop('the backfill goes on')
  else bar.stop('backfill done')
  print('')
}

function duration(seconds: number): string {
  if (seconds < 90) return `${seconds} s`
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`
}
