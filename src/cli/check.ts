import { checkApi } from '../connector/check-api.ts'
import type { Resources } from '../connector/resources.ts'
import { describeLeftSlot, leftSlots } from '../connector/slot-watch.ts'
import type { Finding } from '../source/requirements.ts'
import type { CliContext } from './context.ts'
import { inspectSource } from './inspect.ts'

/** Every requirement on both ends, one line each. @returns 3 if one is not met. */
export async function checkCommand(context: CliContext, options: Record<string, unknown>): Promise<number> {
  return inspectSource(context, options, ['database', 'api'], async ({ resources, facts, findings }) => {
    const api = await checkApi(resources, context.stop)
    const all = [...findings, ...api.findings]
    const warnings = facts === null ? [] : await slotsLeftBehind(resources)
    if (options.json === true) context.print(JSON.stringify([...all, ...warnings], null, 2))
    else {
      for (const finding of all) context.print(line(finding))
      for (const { requirement, detail, mend } of warnings)
        context.print(`warning ${requirement}: ${detail}\n        mend, if no connector needs it any more: ${mend}`)
    }
    return all.every(({ met }) => met) ? 0 : 3
  })
}

/** Worth knowing, and no failure: another connector's may be stopped for a while. */
async function slotsLeftBehind(resources: Resources) {
  const left = await leftSlots(resources)
  return left.map((slot) => ({
    requirement: 'no slot is left behind',
    met: false,
    severity: 'warns',
    detail: describeLeftSlot(slot),
    mend: slot.mend,
  }))
}

function line({ requirement, met, detail, mend }: Finding): string {
  if (met) return `passed  ${requirement}: ${detail}`
  return `failed  ${requirement}: ${detail}${mend === null ? '' : `\n        mend: ${mend}`}`
}
