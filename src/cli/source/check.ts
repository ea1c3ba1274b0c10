import { z } from 'zod'
import { problemCatalog } from '../../model/problem/problem-kind.ts'
import { problemText } from '../../model/problem/problem-text.ts'
import { type Finding, obstacles } from '../../source/requirements/finding.ts'
import { checkApi } from '../../startup/api/check-api.ts'
import { checkSurroundings } from '../../startup/requirements/check-surroundings.ts'
import type { Resources } from '../../startup/resources.ts'
import { orphanedSlot } from '../../supervisor/problems/collect-problems.ts'
import { leftSlots } from '../../supervisor/slot-watch.ts'
import type { OptionsOf } from '../command-options.ts'
import { askConnector } from '../connector/running-connector.ts'
import type { CliContext } from '../context.ts'
import { hangingIndent, hangingText } from '../terminal/hanging-text.ts'
import { type Meaning, type Paint, plain } from '../terminal/paint.ts'
import { inspectSource } from './inspect.ts'

/** Prints every requirement on both ends, one line each. @returns 3 if one is not met; recommendations do not count. */
export async function checkCommand(context: CliContext, options: OptionsOf<'check'>): Promise<number> {
  return inspectSource(
    context,
    options,
    ['database', 'api'],
    async ({ resources, facts, wanted, mapping, findings }) => {
      const api = await checkApi(resources, context.runtime.stop)
      const surroundings = await checkSurroundings(resources, facts && { facts, wanted, mapping })
      const sending = await findingsOfSending(resources.settings)
      const warnings = facts === null ? [] : await slotsLeftBehind(resources)
      const all = [...findings, ...surroundings, ...api.findings, ...sending, ...warnings]
      if (options.json) context.output.print(JSON.stringify(all, null, 2))
      else for (const line of report(all, context.output.paint ?? plain)) context.output.print(line)
      return obstacles(all).length === 0 ? 0 : 3
    },
  )
}

/** Problems for which a running connector sends nothing although the API may answer `GET`. */
const halting: readonly string[] = (
  ['keys refused', 'every patient refused', 'success not proven', 'told to wait'] as const
).map((kind) => problemCatalog[kind].code)

/** Lists what keeps a running connector from sending: a `GET` of this command does not show it. */
async function findingsOfSending(settings: Resources['settings']): Promise<Finding[]> {
  const status = runningStatus.safeParse(await askConnector(settings))
  if (!status.success) return []
  const problems = status.data.problems.filter(({ code }) => halting.includes(code))
  return problems.map(({ title, detail, fix }) => ({
    requirement: 'the running connector can send patients',
    met: false,
    detail: detail === '' ? title : `${title}: ${detail}`,
    fix,
  }))
}

const text = z.string()
const runningStatus = z.object({
  problems: z.array(z.object({ code: text, title: text, detail: text, fix: text })),
})

/** Lists leftover slots as information: a slot can belong to another connector, which is stopped for a while. */
async function slotsLeftBehind(resources: Resources): Promise<Finding[]> {
  const left = await leftSlots(resources)
  return left.map((slot) => ({
    requirement: 'no slot is left behind',
    met: false,
    severity: 'warns',
    detail: `${problemText(orphanedSlot(slot)).detail}; if no connector needs it any more, drop it`,
    fix: slot.fix,
  }))
}

/** Prints one line for each finding, and the result in the last line, where it is seen first. */
function report(findings: readonly Finding[], paint: Paint): string[] {
  const failed = obstacles(findings).length
  const warned = findings.filter(({ met, severity }) => !met && severity === 'warns').length
  const passed = findings.filter(({ met }) => met).length
  const counts = `${passed} passed, ${warned} ${warned === 1 ? 'warning' : 'warnings'}, ${failed} failed`
  const verdict = failed > 0 ? 'bad' : warned > 0 ? 'doubtful' : 'good'
  return [...findings.map((finding) => lines(finding, paint)), '', paint(verdict, counts)]
}

function lines({ requirement, met, severity, detail, fix }: Finding, paint: Paint): string {
  const [verdict, meaning]: [string, Meaning] = met
    ? ['passed ', 'good']
    : severity === 'warns'
      ? ['warning', 'doubtful']
      : ['failed ', 'bad']
  const said = hangingText(`${verdict} `, `${requirement}: ${detail}`, hangingIndent).slice(verdict.length)
  const fixLine = met || fix === null ? '' : `\n${hangingText(`        fix: `, fix, hangingIndent)}`
  return `${paint(meaning, verdict)}${said}${fixLine}`
}
