import { checkApi } from '../connector/check-api.ts'
import { checkSurroundings } from '../connector/check-surroundings.ts'
import type { Resources } from '../connector/resources.ts'
import { describeLeftSlot, leftSlots } from '../connector/slot-watch.ts'
import { type Finding, obstacles } from '../source/finding.ts'
import type { CliContext } from './context.ts'
import { inspectSource } from './inspect.ts'

/** Every requirement on both ends, one line each. @returns 3 if one is not met; what is only advised fails nothing. */
export async function checkCommand(context: CliContext, options: Record<string, unknown>): Promise<number> {
  return inspectSource(
    context,
    options,
    ['database', 'api'],
    async ({ resources, facts, wanted, mapping, findings }) => {
      const api = await checkApi(resources, context.stop)
      const surroundings = await checkSurroundings(resources, facts && { facts, wanted, mapping })
      const warnings = facts === null ? [] : await slotsLeftBehind(resources)
      const all = [...findings, ...surroundings, ...api.findings, ...warnings]
      if (options.json === true) context.print(JSON.stringify(all, null, 2))
      else for (const finding of all) context.print(lines(finding))
      return obstacles(all).length === 0 ? 0 : 3
    },
  )
}

/** Worth knowing, and no failure: another connector's may be stopped for a while. */
async function slotsLeftBehind(resources: Resources): Promise<Finding[]> {
  const left = await leftSlots(resources)
  return left.map((slot) => ({
    requirement: 'no slot is left behind',
    met: false,
    severity: 'warns',
    detail: `${describeLeftSlot(slot)}; if no connector needs it any more, drop it`,
    mend: slot.mend,
  }))
}

function lines({ requirement, met, severity, detail, mend }: Finding): string {
  const verdict = met ? 'passed ' : severity === 'warns' ? 'warning' : 'failed '
  return `${verdict} ${requirement}: ${detail}${met || mend === null ? '' : `\n        mend: ${mend}`}`
}
