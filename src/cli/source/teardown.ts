import { openDatabases, type TornDown, tearDown } from '../../commands/teardown.ts'
import { planTeardown, type TeardownPlan, type TeardownStep } from '../../commands/teardown-plan.ts'
import { loadSettings } from '../../config/load.ts'
import type { Settings } from '../../config/settings.ts'
import type { OptionsOf } from '../command-options.ts'
import { askConnector } from '../connector/running-connector.ts'
import type { CliContext } from '../context.ts'
import { hangingIndent, hangingText } from '../terminal/hanging-text.ts'

/**
 * Drops slot, publication and state after it has shown them.
 * @returns 1 if the answer was no, 2 if nobody could be asked, 3 if something that should be gone still exists.
 */
export async function teardownCommand(context: CliContext, options: OptionsOf<'teardown'>): Promise<number> {
  const { env, cwd, output, dialog } = context
  const { print } = output
  const settings = loadSettings({ configPath: options.config, env, cwd, needs: ['database'] })
  const asJson = options.json
  const say = (lines: readonly string[]) => {
    if (!asJson) for (const line of lines) print(line)
  }
  const tell = (plan: TeardownPlan, done: readonly TornDown[] | null) => {
    if (asJson) print(JSON.stringify(report(plan, done), null, 2))
  }
  const databases = openDatabases(settings, env.PGOPTIONS ?? '')
  try {
    const found = planTeardown(await databases.find(), databases.names)
    const plan = { ...found, refusals: [...(await answering(settings)), ...found.refusals] }
    say([...plan.steps.map(stepLine), ...plan.notes.map((note) => hanging('note    ', note))])
    if (plan.refusals.length > 0) {
      say(['', ...plan.refusals.map((refusal) => hanging('refused ', refusal)), 'nothing was dropped'])
      tell(plan, null)
      return 3
    }
    const toDrop = plan.steps.some(({ action }) => action === 'drop')
    if (toDrop && !options.yes) {
      if (dialog === null || asJson) {
        say(['', 'nothing was dropped: without a terminal to ask on, --yes is needed'])
        tell(plan, null)
        return 2
      }
      if (!(await dialog.confirm('Drop all of this? It cannot be undone.'))) {
        say(['nothing was dropped'])
        return 1
      }
    }
    const done = await tearDown(databases, plan.steps)
    say(['', ...done.flatMap(doneLines)])
    tell(plan, done)
    return done.some(({ result }) => result === 'kept') ? 3 : 0
  } finally {
    await databases.close()
  }
}

/** Returns a refusal if a connector runs here: it recreates what is dropped, whether it uses the slot at present or not. */
async function answering(settings: Settings): Promise<string[]> {
  const status = await askConnector(settings)
  const source = status?.source
  const isThis =
    typeof source === 'object' && source !== null && 'slot' in source && source.slot === settings.source.slot
  return isThis ? [`a connector with this slot answers at port ${settings.http.port}: stop it first`] : []
}

const verbs: Readonly<Record<TeardownStep['action'], string>> = {
  drop: 'drop   ',
  leave: 'leave  ',
  gone: 'gone   ',
  unknown: 'unknown',
}

function hanging(label: string, text: string): string {
  return hangingText(label, text, hangingIndent)
}

function stepLine({ part, name, where, action, detail }: TeardownStep): string {
  return hanging(`${verbs[action]} `, `${part} ${name}${where === null ? '' : ` in ${where}`}: ${detail}`)
}

function doneLines({ step, result, reason }: TornDown): string[] {
  const what = `${step.part} ${step.name}`
  if (result === 'kept')
    return [
      hanging('failed  ', `${what}: ${reason}`),
      ...(step.statement === null ? [] : [hanging('        fix: ', step.statement)]),
    ]
  if (result === 'left') return [hanging('left    ', `${what}: ${reason}`)]
  return [`${result === 'dropped' ? 'dropped' : 'gone   '} ${what}`]
}

function report({ refusals, steps, notes }: TeardownPlan, done: readonly TornDown[] | null) {
  const outcome = (step: TeardownStep) => done?.find((one) => one.step === step)
  return {
    refused: refusals,
    notes,
    parts: steps.map((step) => ({
      ...step,
      result: outcome(step)?.result ?? null,
      reason: outcome(step)?.reason ?? null,
    })),
  }
}
