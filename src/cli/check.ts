import { checkApi } from '../connector/check-api.ts'
import type { Finding } from '../source/requirements.ts'
import type { CliContext } from './context.ts'
import { inspectSource } from './inspect.ts'

/** Every requirement on both ends, one line each. @returns 3 if one is not met. */
export async function checkCommand(context: CliContext, options: Record<string, unknown>): Promise<number> {
  return inspectSource(context, options, ['database', 'api'], async ({ resources, findings }) => {
    const api = await checkApi(resources, context.stop)
    const all = [...findings, ...api.findings]
    if (options.json === true) context.print(JSON.stringify(all, null, 2))
    else for (const finding of all) context.print(line(finding))
    return all.every(({ met }) => met) ? 0 : 3
  })
}

function line({ requirement, met, detail, mend }: Finding): string {
  if (met) return `passed  ${requirement}: ${detail}`
  return `failed  ${requirement}: ${detail}${mend === null ? '' : `\n        mend: ${mend}`}`
}
