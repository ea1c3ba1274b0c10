import { aborted } from '../../lifecycle/abort.ts'
import { startSandboxApi } from '../../sandbox/api-server.ts'
import { defaultKeys } from '../../sandbox/sandbox-state.ts'
import type { OptionsOf } from '../command-options.ts'
import type { CliContext } from '../context.ts'

/** Runs the sandbox API until it gets a signal to stop. */
export async function sandboxCommand(context: CliContext, options: OptionsOf<'sandbox'>): Promise<number> {
  const { host, recordPatients } = options
  const port = Number(options.port)
  const sandbox = await startSandboxApi({ recordPatients }, { host, port })
  context.output.print(`MEDIQUO_BASE_URL=${sandbox.baseUrl}`)
  context.output.print(`MEDIQUO_API_KEY=${defaultKeys.apiKey}`)
  context.output.print(`MEDIQUO_SECRET_KEY=${defaultKeys.secretKey}`)
  context.output.print(`admin: ${sandbox.adminUrl}`)
  await aborted(context.runtime.stop)
  await sandbox.close()
  return 0
}
