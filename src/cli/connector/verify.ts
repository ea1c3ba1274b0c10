import { Store } from '../../checkpoint/store/store.ts'
import { verifySource } from '../../commands/verification.ts'
import type { Settings } from '../../config/settings.ts'
import { ConnectorError } from '../../model/failure/connector-error.ts'
import { type PatientCode, patientCode } from '../../model/patient/patient.ts'
import type { Selection } from '../../verify/selection.ts'
import type { OptionsOf } from '../command-options.ts'
import type { CliContext } from '../context.ts'
import { inspectSource } from '../source/inspect.ts'
import { askConnector } from './running-connector.ts'
import { isStarted, isStateFailure, withState } from './state.ts'
import { VerifyReport } from './verify-report.ts'

/** Exit status if a difference was found (CONTRACT). */
const foundDifference = 4

/**
 * Compares rows of the table with mediQuo's patients; with `--repair`, requests that rows that differ are sent again.
 * @returns 4 if one differs or is missing, 3 if the state cannot be used.
 */
export async function verifyCommand(context: CliContext, options: OptionsOf<'verify'>): Promise<number> {
  const { output } = context
  const { stop } = context.runtime
  const { print } = output
  const isJson = options.json
  return inspectSource(context, options, ['database', 'api'], async ({ resources }) => {
    const { settings } = resources
    const selection = selectionOf(options)
    const report = new VerifyReport(selection, isJson ? null : print, output.paint)
    try {
      const started = await isStarted(settings)
      if (options.repair && !started) throw new ConnectorError('state missing', neverStarted)
      try {
        for await (const verdicts of verifySource(resources, { selection, isStarted: started, signal: stop }))
          report.add(verdicts)
      } catch (error) {
        // Interrupted: report the rows compared so far.
        if (!stop.aborted) throw error
      }
      const repair = options.repair ? await askForRepair(settings, report.drifted) : null
      const end = { isComplete: !stop.aborted, repair, respelled: resources.telemetry.respelledCodes.found }
      report.end({ ...end, isStarted: started })
      if (isJson) print(JSON.stringify(report.json(end), null, 2))
      return report.drifted.length > 0 ? foundDifference : 0
    } catch (error) {
      if (!isStateFailure(error)) throw error
      print(error.message)
      return 3
    }
  })
}

const neverStarted = 'there is nothing to repair yet: the first run of the connector sends every row'

function selectionOf({ all, code, sample }: OptionsOf<'verify'>): Selection {
  if (all) return { kind: 'all' }
  if (code !== undefined) return { kind: 'codes', codes: code.map(patientCode) }
  return { kind: 'sample', rows: sample }
}

/** Requests a repair. It writes nothing of the rows themselves: the connector that uses the slot does that. @throws {ConnectorError} */
async function askForRepair(settings: Settings, codes: readonly PatientCode[]) {
  if (codes.length === 0) return { isNew: false, isRunning: false }
  const isNew = await withState(settings, (db) => new Store(db).backfillRuns.requestRepair(codes))
  return { isNew, isRunning: (await askConnector(settings)) !== null }
}
